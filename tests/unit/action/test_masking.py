import base64
import json
from urllib.parse import quote, quote_plus, unquote

from hypothesis import given
from hypothesis import strategies as st

from action import masking

texts = st.text(st.characters(codec="utf-8"), max_size=60)


@given(texts)
def test_escaped_data_is_one_line_that_decodes_to_itself(text: str) -> None:
    escaped = masking.escape_data(text)

    assert "\n" not in escaped
    assert "\r" not in escaped
    # As the runner decodes: https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
    decoded = escaped.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")
    assert decoded == text


@given(texts)
def test_nothing_empty_short_or_of_two_lines_is_ever_masked(text: str) -> None:
    for form in (*masking.masks(text), *masking.forms(text)):
        assert len(form) >= masking.SHORTEST
        assert form.splitlines() == [form]


def test_a_url_is_masked_raw_and_percent_encoded() -> None:
    url = "postgresql://u:p%40ss@host:5432/3ba03b--x?sslmode=require"

    assert set(masking.masks(url)) == {url, quote(url, safe=""), quote(url)}


def test_an_alphanumeric_password_needs_one_mask() -> None:
    assert masking.masks("a1B2" * 8) == ["a1B2" * 8]


def test_a_value_of_several_lines_is_masked_line_by_line() -> None:
    masks = masking.masks("first line\nsecond line\nx")

    assert "first line" in masks
    assert "second line" in masks
    assert "x" not in masks


@given(st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=8, max_size=40))
def test_the_usual_encodings_of_a_secret_are_known(text: str) -> None:
    forms = masking.forms(text)

    secret = text.strip()
    if len(secret) >= masking.SHORTEST:
        assert secret in forms
        assert quote(secret, safe="") in forms
        assert quote_plus(secret) in forms
        assert json.dumps(secret)[1:-1] in forms
        assert secret.encode().hex() in forms


@given(
    st.text("abcdefgh0123456789", min_size=12, max_size=40),
    st.binary(max_size=5),
    st.binary(max_size=5),
)
def test_a_secret_inside_base64_is_found_wherever_it_stands(
    secret: str, before: bytes, after: bytes
) -> None:
    encoded = base64.b64encode(before + secret.encode() + after).decode()

    assert any(form in encoded for form in masking.forms(secret))


def test_escaped_properties_hold_no_separator() -> None:
    escaped = masking.escape_property("a:b,c%\n")

    assert not set(escaped) & set(":,\n")
    assert unquote(escaped) == "a:b,c%\n"
