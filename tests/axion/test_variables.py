# SPDX-License-Identifier: Apache-2.0
"""The variables at the focus are those of reven2."""

from __future__ import annotations

from playwright.sync_api import expect

import reven2

from .conftest import SOON, OpenAxion, panel, runs_of
from .views import wait_until


def test_variables_follow_the_focus(open_axion: OpenAxion, opened: reven2.OpenTrace) -> None:
    moment = runs_of(opened, "parse")[4].id + 12
    page = open_axion(f"#/{opened.scenario_name}/transition/{moment}")
    page.locator(".dv-tab", has_text="Variables").click()
    shown = panel(page, "variables")
    expected = opened.trace.context_before(moment).variables()
    assert {variable.name for variable in expected} == {"text", "value"}
    for at, variable in enumerate(expected):
        row = shown.locator(".row").nth(at)
        expect(row.locator(".name")).to_have_text(variable.name, timeout=SOON)
        value = str(variable).partition(" = ")[2]
        expect(row.locator(".value")).to_have_text(value)


def test_a_variable_leads_to_its_bytes(open_axion: OpenAxion, opened: reven2.OpenTrace) -> None:
    moment = runs_of(opened, "add")[1].id
    page = open_axion(f"#/{opened.scenario_name}/transition/{moment}")
    page.locator(".dv-tab", has_text="Variables").click()
    shown = panel(page, "variables")
    shown.get_by_role("button", name="Global").click()
    shown.locator(".row").filter(has=page.get_by_text("total", exact=True)).click()
    total = opened.trace.context_before(moment).variable("total")
    assert total.address is not None
    assert total.address is not None
    wanted = f"address={int(total.address.offset):#x}&size=8"
    wait_until(page, lambda: wanted in page.url)
