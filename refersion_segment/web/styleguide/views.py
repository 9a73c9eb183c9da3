"""One page that shows each macro in its states; registered in local runs only."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from refersion_segment.web.access import public
from refersion_segment.web.styleguide import samples
from refersion_segment.web.styleguide.forms import SampleForm

blueprint = Blueprint("styleguide", __name__)


@blueprint.get("/styleguide")
@public
def show() -> ResponseReturnValue:
    refused = SampleForm(prefix="refused", data={"name": samples.UNBROKEN, "email": "peter@"})
    refused.email.errors = ['"peter@" is not an email address.']
    refused.password.errors = ["Use at least 15 characters."]
    refused.offer.errors = ["Choose an offer."]
    refused.auto_approve.errors = ["Choose again: the offer was archived."]
    return render_template(
        "styleguide.html", form=SampleForm(), refused=refused, **samples.all_values()
    )
