"""The admin web: pages in Chinese over the same services as the office API."""

from __future__ import annotations

from apiflask import APIFlask


# long because this is the list of every family of pages.
def register(application: APIFlask) -> None:
    """Connect the pages, the assets, the error page and the security headers."""
    import app.console.accounts
    import app.console.address_ranges
    import app.console.audit
    import app.console.case_claim
    import app.console.case_claims
    import app.console.case_document_templates
    import app.console.case_imports
    import app.console.case_ledger
    import app.console.case_overviews
    import app.console.case_work
    import app.console.cases
    import app.console.clusters
    import app.console.deliveries
    import app.console.enterprises
    import app.console.evidence
    import app.console.first_day
    import app.console.geo
    import app.console.home
    import app.console.intake
    import app.console.keys
    import app.console.list_exports
    import app.console.notices
    import app.console.own_account
    import app.console.palette
    import app.console.people
    import app.console.police
    import app.console.queue
    import app.console.reassignments
    import app.console.rechecks
    import app.console.registers
    import app.console.removals
    import app.console.rewards
    import app.console.rules
    import app.console.saved_views
    import app.console.sign_in
    import app.console.tip_statistics
    import app.console.tips
    import app.console.units
    import app.console.views.macros  # noqa: F401  # each hangs its pages, or what they use, on the blueprint
    from app.console import assets, csrf, first_day, refusals, security_headers
    from app.console.blueprint import pages
    from app.console.cli import office_cli

    csrf.register(application)
    refusals.register(application)
    security_headers.register(application)
    application.register_blueprint(pages)
    application.extensions["shudi_tasks"][first_day.CHECK] = first_day.check_next
    application.cli.add_command(office_cli)
    assets.register(application)
