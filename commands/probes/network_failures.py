"""What a failure on the way to an address means, in words."""

import errno
import socket
import ssl

import httpx

_NAME_UNKNOWN = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL)
_UNTRUSTED = {  # OpenSSL's numbers, X509_V_ERR_*
    9: "its certificate is not valid yet: is the clock of this host right?",
    10: "its certificate has expired",
    18: "its certificate is signed by itself and not trusted here",
    19: "its certificate comes from an issuer that is not trusted here",
    20: "its certificate comes from an issuer that is not trusted here",
    21: "its certificate comes from an issuer that is not trusted here",
    23: "its certificate was revoked",
    62: "its certificate is for another name",
    64: "its certificate is for another address",
}


def in_words(error: Exception, seconds: float) -> str:
    """What the failure of a stage means, for somebody who is tired; ``seconds`` is how long it was waited for."""
    match error:
        case socket.gaierror() if error.errno in _NAME_UNKNOWN:
            return "the name is not known: DNS"
        case socket.gaierror():
            return "the name server gives no answer: DNS"
        case UnicodeError():
            return "the name is none that can exist: DNS"
        case ssl.SSLError():
            return _tls_in_words(error)
        case ConnectionRefusedError():
            return "refused: nothing listens there"
        case TimeoutError():
            return f"no answer in {seconds:g} s: a firewall or a dead host"
        case httpx.TimeoutException():
            return f"connected, but no answer in {seconds:g} s: what runs there hangs or is overloaded"
        case httpx.RemoteProtocolError():
            return "what listens there hung up or is no web server"
        case ConnectionError() | httpx.ReadError() | httpx.WriteError():
            return "the connection was cut"
        case OSError(errno=number) if number in _NO_WAY:
            return "there is no way to it: this host's network or a router is down"
        case OSError():
            return f"the connection failed ({error.strerror or type(error).__name__})"
    return f"the connection failed ({type(error).__name__})"


def _tls_in_words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        told = _UNTRUSTED.get(error.verify_code)
        return told or f"its certificate is not accepted ({error.verify_message})"
    reason = getattr(error, "reason", None)  # only errors of OpenSSL's own have one
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"):
        return "what listens there speaks no TLS"
    return f"no TLS was agreed on ({reason or 'cut off'})"
