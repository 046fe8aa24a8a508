"""Who the driver is to slipway: nobody in particular, the holder of a token, or a user of Keystone."""

from __future__ import annotations

from collections.abc import Mapping

from keystoneauth1 import exceptions as keystone
from keystoneauth1 import loading
from keystoneauth1 import session as keystone_session
from oslo_config import cfg

from slipway_glance_store.client import Credentials
from slipway_glance_store.errors import RequestFailed


class FixedToken:
    """One token for ever; without one, no header at all."""

    def __init__(self, token: str | None) -> None:
        self._headers = {"X-Auth-Token": token} if token else {}

    def headers(self) -> Mapping[str, str]:
        return self._headers

    def renew(self) -> bool:
        return False


class KeystoneUser:
    """Tokens of a service user; keystoneauth asks for a new one before the old one ends."""

    def __init__(self, session: keystone_session.Session) -> None:
        self._session = session

    def headers(self) -> Mapping[str, str]:
        try:
            return self._session.get_auth_headers() or {}
        except (keystone.Unauthorized, keystone.Forbidden) as error:
            raise RequestFailed(401, "Keystone refuses the user of this store") from error
        except keystone.ClientException as error:
            raise RequestFailed(None, f"Keystone gave no token: {type(error).__name__}") from error

    def renew(self) -> bool:
        return bool(self._session.invalidate())


def options() -> list[cfg.Opt]:
    """What has to be registered before a plug-in of keystoneauth can name its own."""
    return [*loading.get_auth_common_conf_options(), *loading.get_session_conf_options()]


def from_configuration(conf: cfg.ConfigOpts, group: str, token: str | None) -> Credentials:
    """A ValueError, with what to do, for options that contradict each other or do not suffice."""
    try:
        plugin = loading.load_auth_from_conf_options(conf, group)
        if plugin is None:
            return FixedToken(token)
        if token:
            raise ValueError("slipway_token and auth_type are both set; leave one out")
        return KeystoneUser(loading.load_session_from_conf_options(conf, group, auth=plugin))
    except keystone.ClientException as error:
        raise ValueError(f"the Keystone options do not suffice: {error}") from error
