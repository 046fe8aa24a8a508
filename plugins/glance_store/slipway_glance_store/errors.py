"""What can go wrong between Glance and slipway, in the words that Glance acts upon.

Glance decides by the class of an exception what it answers and whether the image may be uploaded again.
Uploads and downloads know different classes for the same trouble, so two of ours belong to both sides.
"""

from __future__ import annotations

from glance_store import exceptions


class RequestFailed(Exception):
    """slipway answered with an error, or did not answer.

    `status` is the HTTP status, or None when there was no answer. The message never holds a token.
    """

    def __init__(self, status: int | None, message: str) -> None:
        super().__init__(message)
        self.status = status


# Glance answers 503 to a download that meets RemoteServiceUnavailable, and 500 to an upload that does.
# For uploads it wants TimeoutError, which older releases of glance_store do not have.
_WriteTimeout = getattr(exceptions, "TimeoutError", exceptions.StorageWriteDenied)


class Unavailable(exceptions.RemoteServiceUnavailable, _WriteTimeout):  # type: ignore[misc, valid-type]
    """slipway can not be reached or can not work at present; the same request may succeed later."""


class NotAllowed(exceptions.Forbidden, exceptions.StorageWriteDenied):
    """slipway does not admit the account that this driver uses."""


# An object that is there already, for PUT; one that something still needs, for DELETE.
_CONFLICT = {"PUT": exceptions.Duplicate, "DELETE": exceptions.InUseByStore}


def translated(error: RequestFailed, method: str) -> exceptions.GlanceStoreException:
    """The exception of glance_store for a failed request."""
    text = str(error)
    if error.status in (401, 403):
        return NotAllowed(text)
    # To Glance, NotFound from an upload means that the image was deleted meanwhile; here it is the store
    # that slipway does not have.
    if error.status == 404 and method != "PUT":
        return exceptions.NotFound(text)
    if error.status == 409 and method in _CONFLICT:
        return _CONFLICT[method](text)
    if error.status in (413, 507):
        return exceptions.StorageFull(text)
    if error.status in (400, 411, 415, 422):
        return exceptions.Invalid(text)
    return Unavailable(text)
