"""`/affiliates`: who waits, who is in, who is not; and each one's whole history."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue

from refersion_segment import mails
from refersion_segment.clock import utc_now
from refersion_segment.domain.affiliates import AffiliateStatus, can_move
from refersion_segment.domain.mail_kinds import MailKind
from refersion_segment.domain.roles import Role
from refersion_segment.extensions import db
from refersion_segment.models import Affiliate, Offer
from refersion_segment.services import (
    affiliates,
    erasures,
    exports,
    histories,
    offers,
    persons,
    referrals,
    search,
)
from refersion_segment.services.histories import HistoryEntry
from refersion_segment.services.search import Filters
from refersion_segment.web.access import (
    actor,
    current_merchant,
    id_of_query,
    merchant_id,
    requires,
    row_or_404,
)
from refersion_segment.web.affiliates.forms import DenyForm, EraseForm

blueprint = Blueprint("affiliates", __name__, url_prefix="/affiliates")

FILTERS = ("status", "q", "offer", "source")
PLACE = (*FILTERS, "older", "newer")


@blueprint.get("")
@requires(Role.VIEWER)
def show_list() -> ResponseReturnValue:
    filters = filters_of_query()
    tab = filters.status or AffiliateStatus.PENDING
    page = search.find_page(
        merchant_id(),
        filters,
        older_than=id_of_query("older"),
        newer_than=id_of_query("newer"),
    )
    every_offer = offers.list_offers(merchant_id())
    every_source = search.sources_of(merchant_id())
    return render_template(
        "affiliates/list.html",
        page=page,
        filters=filters,
        tab_list=tabs_of(filters),
        can_approve=can_move(tab, AffiliateStatus.APPROVED),
        can_deny=can_move(tab, AffiliateStatus.DENIED),
        is_too_broad=search.is_too_broad(merchant_id(), filters.words),
        offer_choices=[("", "Any offer"), *((one.id, one.name) for one in every_offer)],
        source_choices=[("", "Any source"), *((one.id, one.label) for one in every_source)],
        mail_is_on={kind: mails.is_switched_on(merchant_id(), kind) for kind in MailKind},
        link=link_with,
        place=kept(PLACE),
        decide_url=url_for("affiliates.decide_many", **kept(PLACE)),
        export_url=url_for("affiliates.export", **kept(FILTERS)),
    )


def tabs_of(filters: Filters) -> list[dict[str, object]]:
    """Return the three tabs, each with how many it holds under the same filters."""
    counts = search.count_by_status(merchant_id(), filters)
    return [
        {
            "label": status.label,
            "url": link_with(status=status.value),
            "count": counts[status],
            "is_current": status is filters.status,
        }
        for status in AffiliateStatus
    ]


@blueprint.get("/export")
@requires(Role.VIEWER)
def export() -> ResponseReturnValue:
    rows = search.every_affiliate(merchant_id(), filters_of_query())
    return Response(
        stream_with_context(exports.as_csv(rows)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": "attachment; filename=affiliates.csv"},
    )


@blueprint.post("/decide")
@requires(Role.MANAGER)
def decide_many() -> ResponseReturnValue:
    """Approve or deny those who are chosen; an id of nobody here counts for nothing."""
    move = request.form.get("move")
    if move not in {"approve", "deny"}:
        abort(400)
    is_approval = move == "approve"
    wanted = AffiliateStatus.APPROVED if is_approval else AffiliateStatus.DENIED
    decide = affiliates.approve if is_approval else affiliates.deny
    ids = chosen_ids()
    decisions = [decide(actor(), merchant_id(), one, now=utc_now()) for one in ids]
    db.session.commit()
    made = [decision for decision in decisions if decision is not None]
    if not made:
        flash("Choose at least one person first.", "info")
    elif len(made) == 1:
        flash(made[0].sentence, "success")
    else:
        flash(result_in_words(wanted, [one.has_moved for one in made]), "success")
    return redirect(url_for("affiliates.show_list", **kept(PLACE)))


def chosen_ids() -> list[UUID]:
    """Read the ids that were ticked, in one order for all, so that nobody waits in a circle."""
    ids = set()
    for text in request.form.getlist("affiliate")[: search.PAGE_SIZE]:
        try:
            ids.add(UUID(text))
        except ValueError:
            continue
    return sorted(ids)


def result_in_words(wanted: AffiliateStatus, moved: Sequence[bool]) -> str:
    """Tell what a decision about several people did: "12 approved, 3 were already approved."."""
    numbers = Counter(moved)
    if not numbers[False]:
        return f"{numbers[True]} {wanted}."
    already = "was" if numbers[False] == 1 else "were"
    return f"{numbers[True]} {wanted}, {numbers[False]} {already} already {wanted}."


@blueprint.get("/<uuid:affiliate_id>")
@requires(Role.VIEWER)
def show(affiliate_id: UUID) -> ResponseReturnValue:
    affiliate = row_or_404(Affiliate, affiliate_id)
    return page_of(affiliate, DenyForm(), EraseForm(affiliate.email))


@blueprint.post("/<uuid:affiliate_id>/approve")
@requires(Role.MANAGER)
def approve(affiliate_id: UUID) -> ResponseReturnValue:
    affiliate = row_or_404(Affiliate, affiliate_id)
    return told(affiliates.approve(actor(), merchant_id(), affiliate.id, now=utc_now()), affiliate)


@blueprint.post("/<uuid:affiliate_id>/deny")
@requires(Role.MANAGER)
def deny(affiliate_id: UUID) -> ResponseReturnValue:
    affiliate = row_or_404(Affiliate, affiliate_id)
    form = DenyForm()
    if not form.validate_on_submit():
        return page_of(affiliate, form, EraseForm(affiliate.email)), 422
    decision = affiliates.deny(
        actor(),
        merchant_id(),
        affiliate.id,
        reason=form.reason.data or "",
        is_reason_shared=form.is_shared.data,
        now=utc_now(),
    )
    return told(decision, affiliate)


@blueprint.post("/<uuid:affiliate_id>/erase")
@requires(Role.OWNER)
def erase(affiliate_id: UUID) -> ResponseReturnValue:
    affiliate = row_or_404(Affiliate, affiliate_id)
    form = EraseForm(affiliate.email)
    if not form.validate_on_submit():
        return page_of(affiliate, DenyForm(formdata=None), form), 422
    erasures.erase_by_hand(actor(), affiliate, now=utc_now())
    db.session.commit()
    flash("Erased. Older events of this person from Segment stay away.", "success")
    return redirect(url_for("affiliates.show_list"))


def told(decision: affiliates.Decision | None, affiliate: Affiliate) -> ResponseReturnValue:
    """Commit a decision about one person, say what it did, and go back to where it was made."""
    affiliate_id = affiliate.id
    db.session.commit()
    if decision is not None:
        flash(decision.sentence, "success" if decision.has_moved else "info")
    if request.form.get("back") == "list":
        return redirect(url_for("affiliates.show_list", **kept(PLACE)))
    return redirect(url_for("affiliates.show", affiliate_id=affiliate_id))


def page_of(affiliate: Affiliate, deny_form: DenyForm, erase_form: EraseForm) -> str:
    return render_template(
        "affiliates/show.html",
        affiliate=affiliate,
        offer=db.session.get_one(Offer, (affiliate.merchant_id, affiliate.offer_id)),
        source=histories.source_of(affiliate),
        history=[with_link(entry) for entry in histories.history_of(affiliate)],
        segment_ids=persons.linked_ids(affiliate.merchant_id, affiliate.id),
        referral_link=referrals.referral_link(current_merchant(), affiliate),
        can_approve=can_move(affiliate.status, AffiliateStatus.APPROVED),
        can_deny=can_move(affiliate.status, AffiliateStatus.DENIED),
        deny_form=deny_form,
        erase_form=erase_form,
        denial_is_mailed=mails.is_switched_on(affiliate.merchant_id, MailKind.DENIED_AFFILIATE),
    )


def with_link(entry: HistoryEntry) -> dict[str, object]:
    """Return a line of the history; that of a call leads to the page of its delivery."""
    call = entry.delivery_id
    return {
        "at": entry.at,
        "title": entry.title,
        "note": entry.note,
        "tone": entry.tone,
        "url": url_for("deliveries.show", delivery_id=call) if call else None,
    }


def filters_of_query() -> Filters:
    try:
        status = AffiliateStatus(request.args.get("status", AffiliateStatus.PENDING))
    except ValueError:
        status = AffiliateStatus.PENDING
    return Filters(
        status=status,
        words=request.args.get("q", "").replace("\x00", "").strip()[:320],
        offer_id=id_of_query("offer"),
        source_id=id_of_query("source"),
    )


def kept(names: Iterable[str]) -> dict[str, Any]:
    """Return those parts of this list's address that are there."""
    return {name: value for name in names if (value := request.args.get(name))}


def link_with(**changed: Any) -> str:
    """Return the list's address with the filters of this one and some changes."""
    return url_for("affiliates.show_list", **{**kept(FILTERS), **changed})
