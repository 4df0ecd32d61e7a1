"""What browsers are told with every answer: what the page may load and ask, and who may show it within another one."""

from translate.report.html import EMBEDDED
from translate.serve.access import Access

HEADERS = (
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
)
POLICY = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'; img-src 'self' blob:;"
    " script-src 'self'; style-src 'self'; frame-ancestors {}"
)
# A report of a run, which has its styles and scripts within it, may neither ask this server nor be taken for our page.
SANDBOX = f"sandbox allow-scripts; {EMBEDDED}"
SPACES, SPACES_PAGE = ".hf.space", "https://huggingface.co"  # which shows spaces within a page of its own


def policy_of(access: Access) -> str:
    """Return the policy of a page that is served under these names."""
    framed = any(host.endswith(SPACES) for host in access.hosts)
    return POLICY.format(SPACES_PAGE if framed else "'none'")
