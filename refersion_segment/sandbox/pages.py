"""The workspace's pages: overview, sources with their destinations, and the sandbox's switches."""

import re

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from refersion_segment.sandbox import destinations, installs, workspace
from refersion_segment.sandbox.core import MOST_REDIRECT_URIS, Sandbox, current_sandbox
from refersion_segment.sandbox.database import WORKSPACE
from refersion_segment.sandbox.ingest import list_events
from refersion_segment.sandbox.records import Destination, Source
from refersion_segment.sandbox.switches import DuplicateAnswer, InstallRule, Network, Switches

blueprint = Blueprint("pages", __name__)

SOURCE_KINDS = ("JavaScript", "iOS", "Android", "Node.js", "Python", "HTTP API")
EVENTS_SHOWN = 30
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@blueprint.get("/")
def overview() -> ResponseReturnValue:
    """Show the workspace: its sources with their destinations, and who was let in."""
    sandbox = current_sandbox()
    sources = workspace.list_sources(sandbox.database)
    return render_template(
        "overview.html",
        workspace=WORKSPACE,
        rows=[
            (source, destinations.list_destinations(sandbox.database, source)) for source in sources
        ],
        installs=installs.list_installs(sandbox.database),
        source_names={source.id: source.slug for source in sources},
        kinds=SOURCE_KINDS,
        client_id=sandbox.client_id,
    )


@blueprint.get("/sources.json")
def sources_json() -> ResponseReturnValue:
    """List the sources with their keys, for scripts."""
    sandbox = current_sandbox()
    return jsonify(
        [
            {
                "name": source.name,
                "slug": source.slug,
                "type": source.kind,
                "write_key": source.write_key,
                "project_id": source.project_id,
                "enabled": bool(source.enabled),
                "destinations": [
                    {"name": one.name, "enabled": bool(one.enabled)}
                    for one in destinations.list_destinations(sandbox.database, source)
                ],
            }
            for source in workspace.list_sources(sandbox.database)
        ]
    )


@blueprint.post("/sources")
def add_source() -> ResponseReturnValue:
    """Add a source with fresh keys."""
    slug, kind = request.form.get("slug", "").strip(), request.form.get("kind", "")
    if not _SLUG.fullmatch(slug) or kind not in SOURCE_KINDS:
        flash("A source name has small letters, digits and single hyphens, such as web-shop-2.")
    elif workspace.add_source(current_sandbox().database, slug, kind):
        flash(f"Source {slug} added.")
        return redirect(url_for("pages.source", slug=slug))
    else:
        flash(f"There is a source {slug} already.")
    return redirect(url_for("pages.overview"))


def find_source_or_404(slug: str) -> Source:
    """Find the source that a page is about."""
    found = workspace.find_source(current_sandbox().database, slug)
    if found is None:
        abort(404, "There is no source of that name in this workspace.")
    return found


@blueprint.get("/sources/<slug>")
def source(slug: str) -> ResponseReturnValue:
    """Show one source: its keys, its destination, what it sent last."""
    sandbox = current_sandbox()
    found = find_source_or_404(slug)
    return render_template(
        "source.html",
        source=found,
        destination=destinations.find_destination(sandbox.database, _name(sandbox, found)),
        events=list_events(sandbox.database, found, limit=EVENTS_SHOWN),
    )


def _name(sandbox: Sandbox, source: Source) -> str:
    return f"{source.name}/destinations/{sandbox.destination_slug}"


@blueprint.post("/sources/<slug>/turn")
def turn_source(slug: str) -> ResponseReturnValue:
    """Let a source take events, or drop what it sends."""
    found = find_source_or_404(slug)
    workspace.turn_source(current_sandbox().database, found, on=request.form.get("on") == "1")
    return redirect(url_for("pages.source", slug=slug))


@blueprint.post("/sources/<slug>/destination")
def save_destination(slug: str) -> ResponseReturnValue:
    """Attach the destination with a pasted API key, or paste another one."""
    sandbox = current_sandbox()
    found = find_source_or_404(slug)
    api_key = request.form.get("api_key", "").strip()
    if not api_key:
        flash("API Key is required.")
        return redirect(url_for("pages.source", slug=slug))
    name = _name(sandbox, found)
    if destinations.update_destination(sandbox.database, name, api_key=api_key) is None:
        destinations.create_destination(
            sandbox.database, found, name, api_key=api_key, enabled=True
        )
    flash(f"{sandbox.display_name} has its API key.")
    return redirect(url_for("pages.source", slug=slug))


def _destination_or_404(slug: str) -> Destination:
    sandbox = current_sandbox()
    name = _name(sandbox, find_source_or_404(slug))
    destination = destinations.find_destination(sandbox.database, name)
    if destination is None:
        abort(404, "This source has no such destination.")
    return destination


@blueprint.post("/sources/<slug>/destination/turn")
def turn_destination(slug: str) -> ResponseReturnValue:
    """Turn a destination on or off."""
    destination = _destination_or_404(slug)
    is_on = request.form.get("on") == "1"
    destinations.update_destination(current_sandbox().database, destination.name, enabled=is_on)
    flash(f"{current_sandbox().display_name} is {'on' if is_on else 'off'} for {slug}.")
    return redirect(url_for("pages.source", slug=slug))


@blueprint.post("/sources/<slug>/destination/remove")
def remove_destination(slug: str) -> ResponseReturnValue:
    """Detach a destination; events in retry are discarded."""
    destinations.delete_destination(current_sandbox().database, _destination_or_404(slug).name)
    flash(f"{current_sandbox().display_name} removed from {slug}.")
    return redirect(url_for("pages.source", slug=slug))


@blueprint.post("/installs/<int:install_id>/remove")
def remove_install(install_id: int) -> ResponseReturnValue:
    """Uninstall the app for one source, as a customer can; the app is not told."""
    installs.remove_install(current_sandbox().database, install_id)
    flash(f"Install {install_id} removed. Its token is worth nothing now.")
    return redirect(url_for("pages.overview"))


@blueprint.get("/settings")
def settings() -> ResponseReturnValue:
    """Show the switches."""
    return _settings_page(current_sandbox().switches)


def _settings_page(switches: Switches, error: str = "") -> str:
    sandbox = current_sandbox()
    return render_template(
        "settings.html",
        switches=switches,
        error=error,
        install_rules=list(InstallRule),
        duplicate_answers=list(DuplicateAnswer),
        networks=list(Network),
        sandbox=sandbox,
        most_uris=MOST_REDIRECT_URIS,
    )


@blueprint.post("/settings")
def save_settings() -> ResponseReturnValue:
    """Set the switches."""
    sandbox = current_sandbox()
    try:
        switches = _switches_sent()
    except ValueError:
        error = "The lifetime is 1 to 86,400 seconds, the time scale 1 to 100,000."
        return _settings_page(sandbox.switches, error), 400
    uris = switches.further_redirect_uris.split()
    if len(uris) + len(sandbox.registered_redirect_uris) > MOST_REDIRECT_URIS or not all(
        re.match(r"https?://[^/]", uri) for uri in uris
    ):
        error = f"An app has at most {MOST_REDIRECT_URIS} redirect URIs, each an http(s) address."
        return _settings_page(switches, error), 400
    switches.save(sandbox.database)
    flash("Saved.")
    return redirect(url_for("pages.settings"))


def _switches_sent() -> Switches:
    form = request.form
    return Switches(
        install_rule=InstallRule(form.get("install_rule", "")),
        duplicate_answer=DuplicateAnswer(form.get("duplicate_answer", "")),
        network=Network(form.get("network", "")),
        token_lifetime_seconds=_number(form.get("token_lifetime_seconds", ""), 86_400),
        time_scale=_number(form.get("time_scale", ""), 100_000),
        hold_deliveries="hold_deliveries" in form,
        identify_only="identify_only" in form,
        further_redirect_uris=form.get("further_redirect_uris", "").strip(),
    )


def _number(text: str, highest: int) -> int:
    number = int(text)
    if not 1 <= number <= highest:
        raise ValueError(text)
    return number
