"""One folder per blueprint; the only place that knows the request."""
