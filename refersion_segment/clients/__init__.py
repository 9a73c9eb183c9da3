"""Other people's HTTP interfaces. No database, no Flask: settings in, values or errors out."""
