"""The extensions, created unbound: no application here."""

from flask_login import LoginManager
from flask_mail import Mail
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect

from refersion_segment.models.base import Base
from refersion_segment.vault import Vault

db = SQLAlchemy(metadata=Base.metadata, disable_autonaming=True)
migrate = Migrate()
login_manager = LoginManager()
mail = Mail()
csrf = CSRFProtect()
vault = Vault()
