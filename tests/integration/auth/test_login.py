"""Log-in through GitHub, and what must not get anybody in."""

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from app.web.auth.login import local_path
from demo.github import faults
from tests.integration.auth.site import Browser, Site


def test_whoever_github_vouches_for_is_logged_in(browser: Browser, site: Site) -> None:
    answer = browser.log_in("mona", after="/apps")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/apps")
    assert browser.who() == "mona"
    assert ("github:mona", "log in") in site.audit()


def test_github_is_asked_with_a_challenge_and_a_state_of_this_browser(browser: Browser) -> None:
    asked = [urlsplit(browser.get("/login/github").headers["Location"]) for _ in range(2)]

    queries = [parse_qs(each.query) for each in asked]
    assert [query["code_challenge_method"] for query in queries] == [["S256"]] * 2
    assert len(queries[0]["code_challenge"][0]) == 43
    assert queries[0]["redirect_uri"] == [f"{browser.site.url}/login/callback"]
    assert queries[0]["state"] != queries[1]["state"]
    assert queries[0]["code_challenge"] != queries[1]["code_challenge"]


def test_operators_are_named_by_login_without_regard_to_case(browser: Browser) -> None:
    browser.log_in("octocat")

    assert "(operator)" in browser.get("/nowhere").text


@pytest.mark.parametrize(
    ("state", "permissions", "is_operator"),
    [
        ("active", {"members": "read", "metadata": "read"}, True),
        ("pending", {"members": "read", "metadata": "read"}, False),
        ("active", {"metadata": "read"}, False),
        ("", {"members": "read", "metadata": "read"}, False),
    ],
)
def test_an_operators_team_counts_where_the_app_may_see_its_members(
    site: Site, browser: Browser, state: str, permissions: dict[str, str], *, is_operator: bool
) -> None:
    site.github.reset()
    mona = site.github.user("mona")
    site.github.install("acme", permissions=permissions)
    if state:
        site.github.join_team(mona, "acme/admins", state=state)

    browser.log_in("mona")

    assert browser.who() == "mona"
    assert ("(operator)" in browser.get("/nowhere").text) is is_operator


def test_nothing_of_the_token_is_kept(browser: Browser, site: Site) -> None:
    before = set(site.github.context.state.user_tokens)

    browser.log_in("mona")

    [token] = set(site.github.context.state.user_tokens) - before
    assert token.startswith("ghu_")
    assert token not in site.web.log.read_text()
    assert not [cookie for cookie in browser.session.cookies if "ghu_" in str(cookie.value)]


def test_a_callback_of_another_browser_lets_nobody_in(browser: Browser, site: Site) -> None:
    """Somebody else's code, sent to me as a link, must not log me in as them."""
    asked = browser.get(browser.get("/login/github").headers["Location"])
    callback = browser.submit(asked, values={"as": "octocat"}).headers["Location"]
    victim = site.browser()

    answer = victim.get(callback)

    assert answer.status_code == 400
    assert "was not begun in this browser" in answer.text
    assert victim.who() is None


def test_a_callback_works_once(browser: Browser) -> None:
    asked = browser.get(browser.get("/login/github").headers["Location"])
    callback = browser.submit(asked, values={"as": "mona"}).headers["Location"]
    browser.get(callback)

    again = browser.get(callback)

    assert again.status_code == 400
    assert "is over already" in again.text


def test_a_session_from_before_the_log_in_is_not_the_one_after(browser: Browser) -> None:
    browser.get("/login/github")
    before = browser.session.cookies["coppice"]

    browser.log_in("mona")

    assert browser.session.cookies["coppice"] != before
    fixed = browser.site.browser()
    fixed.session.cookies.set("coppice", before)
    assert fixed.who() is None


@pytest.mark.parametrize("query", ["", "?state=&code=x", "?state=x&code=x", "?error=access_denied"])
def test_a_callback_that_nobody_asked_for_is_refused(browser: Browser, query: str) -> None:
    assert browser.get(f"/login/callback{query}").status_code == 400


def test_who_says_no_at_github_reads_that_they_are_not_logged_in(browser: Browser) -> None:
    answer = browser.log_in("")

    assert answer.status_code == 403
    assert "You did not allow it at GitHub" in answer.text
    assert browser.who() is None


def test_a_wrong_code_lets_nobody_in(browser: Browser) -> None:
    begun = browser.get("/login/github").headers["Location"]
    [state] = parse_qs(urlsplit(begun).query)["state"]

    answer = browser.get(f"/login/callback?state={state}&code=0123456789")

    assert answer.status_code == 400
    assert browser.who() is None


@pytest.mark.parametrize("path", ["/login/oauth/access_token", "/user$"])
@pytest.mark.parametrize("fault", [faults.server_error(), faults.html(), faults.dropped()])
def test_github_s_trouble_is_said_and_lets_nobody_in(
    site: Site, browser: Browser, path: str, fault: faults.Fault
) -> None:
    site.github.faults.plan(fault, path=path, times=5)

    answer = browser.log_in("mona")

    assert answer.status_code == 503
    assert "GitHub" in answer.text
    assert browser.who() is None


def test_an_app_that_names_another_callback_is_explained(site: Site, browser: Browser) -> None:
    site.github.allow_callback("https://elsewhere.example/login/callback")

    begun = browser.get("/login/github").headers["Location"]
    sent_back = requests.get(begun, allow_redirects=False, timeout=30).headers["Location"]
    answer = browser.get(f"/login/callback?{urlsplit(sent_back).query}")

    site.github.allow_callback(f"{site.url}/login/callback")
    assert answer.status_code == 403
    assert f"{site.url}/login/callback" in answer.text


def test_begun_log_ins_do_not_outgrow_the_cookie(browser: Browser) -> None:
    for _ in range(20):
        browser.get("/login/github")

    assert len(browser.session.cookies["coppice"]) < 3000
    assert browser.log_in("mona").status_code == 302


def test_log_out_ends_the_session(browser: Browser, site: Site) -> None:
    browser.log_in("mona")

    answer = browser.submit(browser.get("/nowhere"), action="/logout")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert browser.who() is None
    assert ("github:mona", "log out") in site.audit()


def test_a_copy_of_the_cookie_ends_with_the_session(browser: Browser, site: Site) -> None:
    browser.log_in("mona")
    thief, other = site.browser(), site.browser()
    thief.session.cookies.update(browser.session.cookies)
    other.log_in("mona")
    before = thief.who()

    browser.submit(browser.get("/nowhere"), action="/logout")

    assert (before, thief.who()) == ("mona", None)
    assert thief.get("/apps").headers["Location"].startswith("/login?")
    assert thief.get("/login").status_code == 200
    assert other.who() == "mona"


def test_a_copy_stays_ended_where_the_clock_of_the_state_database_is_ahead(
    browser: Browser, site: Site
) -> None:
    browser.log_in("mona")
    thief, other = site.browser(), site.browser()
    thief.session.cookies.update(browser.session.cookies)
    browser.submit(browser.get("/nowhere"), action="/logout")
    # By its clock the cookie has ended an hour ago; by that of the web server it has not.
    site.rows("UPDATE ended_sessions SET until = now() - interval '1 hour' RETURNING until")

    other.log_in("mona")
    other.submit(other.get("/nowhere"), action="/logout")

    assert thief.who() is None


def test_another_site_cannot_log_anybody_out(browser: Browser) -> None:
    browser.log_in("mona")

    answer = browser.session.post(
        f"{browser.site.url}/logout", headers={"Sec-Fetch-Site": "cross-site"}, timeout=30
    )

    assert answer.status_code == 403
    assert browser.who() == "mona"


def test_who_is_not_logged_in_is_led_there_and_back(browser: Browser) -> None:
    sent = browser.get("/setup")

    assert sent.headers["Location"] == "/login?next=%2Fsetup"
    assert 'href="/login/github?next=%2Fsetup"' in browser.get(sent.headers["Location"]).text


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/apps/3ba03b?tab=runs", "/apps/3ba03b?tab=runs"),
        ("/", "/"),
        ("", "/"),
        ("apps", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/%09/evil.example", "/%09/evil.example"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("https://evil.example", "/"),
        ("https:evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("\\\\evil.example", "/"),
        ("/login", "/"),
        ("/login/github?next=/x", "/"),
    ],
)
def test_a_log_in_goes_on_to_pages_of_ours_only(wanted: str, path: str) -> None:
    assert local_path(wanted) == path


def test_what_a_request_says_of_a_proxy_is_not_believed(browser: Browser, site: Site) -> None:
    browser.session.headers.update(
        {
            "X-Forwarded-For": "203.0.113.9",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "evil.example",
            "Forwarded": "for=203.0.113.9;host=evil.example;proto=https",
        }
    )

    answer = browser.log_in("mona")

    [last] = site.rows("SELECT source FROM audit ORDER BY id DESC LIMIT 1")
    assert last["source"] == "127.0.0.1"
    assert "Secure" not in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" not in answer.headers
    begun = browser.get("/login/github").headers["Location"]
    assert parse_qs(urlsplit(begun).query)["redirect_uri"] == [f"{site.url}/login/callback"]
