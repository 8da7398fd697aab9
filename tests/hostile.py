"""Text as it arrives on a bad day: long, broken, right-to-left, or meant to make Slack page everybody."""

from hypothesis import strategies as st

NASTY = (
    "",
    " \t\r\n\v\f\u2028\u2029\x85",
    "x" * 10_000,
    "&" * 10_000,
    "<!channel> <!here> <!everyone> <!subteam^S123>",
    "<@U0ADMIN1> <@W1|name> <#C0OPS|ops>",
    "<!date^1^{time}|now> <https://example.test|click>",
    "&lt;!channel&gt; &amp;lt;!here&amp;gt;",
    "\u202e\u2066evil\u2069\u202c \u200f\u061c\ufeff\u200b",
    "\x00\x01\x1b[31mred\x1b[0m\x7f\x9b",
    "👩‍👩‍👧‍👦🏴\U000e0067\U000e0062🚨 :skull:",
    "\"unbalanced 'quotes `and ```code",
    "payload",
    "@",
    "@channel @here #general",
    "*bold _under ~strike > quote\n> quote",
    "=cmd|' /C calc'!A0",
    "\ud800\udfff",
    "help",
    "ndax",
    "|>|<|",
    "--- {} %s \\n $(reboot) `reboot` '; drop table audit; --",
)

texts = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=60),
    # text() never draws unpaired surrogates, which JSON can carry
    st.text(alphabet=st.characters(exclude_categories=()), max_size=60),
    st.lists(st.sampled_from(NASTY), min_size=2, max_size=4).map("".join),
)
