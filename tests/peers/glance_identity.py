"""Stands in Glance's pipeline where keystonemiddleware's authtoken is: every caller is one administrator.

Without any identity Glance could not run import tasks, which belong to a project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

IDENTITY = {
    "HTTP_X_IDENTITY_STATUS": "Confirmed",
    "HTTP_X_USER_ID": "peer-user",
    "HTTP_X_PROJECT_ID": "peer-project",
    "HTTP_X_ROLES": "admin,manager,member,reader",
}

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def filter_factory(global_conf: dict[str, str], **local_conf: str) -> Callable[[Application], Application]:
    def wrap(application: Application) -> Application:
        def identified(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            return application({**environ, **IDENTITY}, start_response)

        return identified

    return wrap
