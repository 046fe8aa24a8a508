"""Write the WSDL that the OpenStack drivers read from a vCenter before their first call.

A vCenter serves `/sdk/vimService.wsdl`; a simulator has none. The type schemas come from the
installed oslo.vmware, which ships them for its storage policy client, and are copied beside the
document at test time. What is added here is the list of methods that the drivers of Nova and Cinder
and oslo.vmware itself call, each with its parameters in the order of the vSphere API.

    python wsdl.py DIR        # with the Python of the environment that holds oslo.vmware
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

SCHEMAS = ("core-types.xsd", "query-types.xsd", "reflect-types.xsd", "vim-types.xsd")

# name(parameter: type, ...) result. `?` optional, `*` any number of them, `ref` a managed object.
# A lower-case type is XML Schema's own, the others are vSphere's.
METHODS = """
AcquireGenericServiceTicket(spec: SessionManagerServiceRequestSpec) SessionManagerGenericServiceTicket
AcquireTicket(ticketType: string) VirtualMachineTicket
AddInternetScsiSendTargets(iScsiHbaDevice: string, targets: HostInternetScsiHbaSendTarget*)
AttachDisk_Task(diskId: ID, datastore: ref, controllerKey: int?, unitNumber: int?) ref
CancelRetrievePropertiesEx(token: string)
CloneVM_Task(folder: ref, name: string, spec: VirtualMachineCloneSpec) ref
CloneVStorageObject_Task(id: ID, datastore: ref, spec: VslmCloneSpec) ref
ContinueRetrievePropertiesEx(token: string) RetrieveResult
CopyDatastoreFile_Task(sourceName: string, sourceDatacenter: ref?, destinationName: string,
    destinationDatacenter: ref?, force: boolean?) ref
CopyVirtualDisk_Task(sourceName: string, sourceDatacenter: ref?, destName: string,
    destDatacenter: ref?, destSpec: VirtualDiskSpec?, force: boolean?) ref
CreateDiskFromSnapshot_Task(id: ID, datastore: ref, snapshotId: ID, name: string,
    profile: VirtualMachineProfileSpec*, crypto: CryptoSpec?, path: string?) ref
CreateDisk_Task(spec: VslmCreateSpec) ref
CreateFolder(name: string) ref
CreateSnapshot_Task(name: string, description: string?, memory: boolean, quiesce: boolean) ref
CreateVM_Task(config: VirtualMachineConfigSpec, pool: ref, host: ref?) ref
CreateVirtualDisk_Task(name: string, datacenter: ref?, spec: VirtualDiskSpec) ref
DeleteDatastoreFile_Task(name: string, datacenter: ref?) ref
DeleteSnapshot_Task(id: ID, datastore: ref, snapshotId: ID) ref
DeleteVStorageObject_Task(id: ID, datastore: ref) ref
DeleteVirtualDisk_Task(name: string, datacenter: ref?) ref
Destroy_Task() ref
DetachDisk_Task(diskId: ID) ref
ExportVm() ref
ExtendDisk_Task(id: ID, datastore: ref, newCapacityInMB: long) ref
ExtendVirtualDisk_Task(name: string, datacenter: ref?, newCapacityKb: long, eagerZero: boolean?) ref
FindAllByUuid(datacenter: ref?, uuid: string, vmSearch: boolean, instanceUuid: boolean?) ref*
FindByInventoryPath(inventoryPath: string) ref?
FindExtension(extensionKey: string) Extension?
HttpNfcLeaseAbort(fault: LocalizedMethodFault?)
HttpNfcLeaseComplete()
HttpNfcLeaseProgress(percent: int)
ImportVApp(spec: ImportSpec, folder: ref?, host: ref?) ref
Login(userName: string, password: string, locale: string?) UserSession
Logout()
MakeDirectory(name: string, datacenter: ref?, createParentDirectories: boolean?)
MarkAsTemplate()
MoveDatastoreFile_Task(sourceName: string, sourceDatacenter: ref?, destinationName: string,
    destinationDatacenter: ref?, force: boolean?) ref
MoveIntoFolder_Task(list: ref*) ref
MoveVirtualDisk_Task(sourceName: string, sourceDatacenter: ref?, destName: string,
    destDatacenter: ref?, force: boolean?, profile: VirtualMachineProfileSpec*) ref
PowerOffVM_Task() ref
PowerOnVM_Task(host: ref?) ref
RebootGuest()
RecommendDatastores(storageSpec: StoragePlacementSpec) StoragePlacementResult
ReconfigVM_Task(spec: VirtualMachineConfigSpec) ref
RegisterDisk(path: string, name: string?) VStorageObject
RegisterExtension(extension: Extension)
RelocateVM_Task(spec: VirtualMachineRelocateSpec, priority: VirtualMachineMovePriority?) ref
RemoveSnapshot_Task(removeChildren: boolean, consolidate: boolean?) ref
Rename_Task(newName: string) ref
RescanHba(hbaDevice: string)
ResetVM_Task() ref
RetrievePropertiesEx(specSet: PropertyFilterSpec*, options: RetrieveOptions) RetrieveResult?
RetrieveServiceContent() ServiceContent
RevertToSnapshot_Task(host: ref?, suppressPowerOn: boolean?) ref
SearchDatastore_Task(datastorePath: string, searchSpec: HostDatastoreBrowserSearchSpec?) ref
SessionIsActive(sessionID: string, userName: string) boolean
ShutdownGuest()
SuspendVM_Task() ref
UnregisterVM()
UpdateVStorageObjectPolicy_Task(id: ID, datastore: ref, profile: VirtualMachineProfileSpec*) ref
VStorageObjectCreateSnapshot_Task(id: ID, datastore: ref, description: string) ref
"""

_METHOD = re.compile(r"(\w+)\(([^)]*)\)[ \t]*([\w*?]*)")


@dataclass(frozen=True)
class Method:
    """One operation: its request and response elements, and where they are bound."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    result: str

    def elements(self) -> str:
        request = [_element("_this", "ref")]
        request += [_element(name, type_) for name, type_ in self.parameters]
        response = [_element("returnval", self.result)] if self.result else []
        return _complex_element(self.name, request) + _complex_element(f"{self.name}Response", response)

    def messages(self) -> str:
        return "".join(
            f'<message name="{self.name}{suffix}Msg">'
            f'<part name="parameters" element="vim25:{element}"/></message>\n'
            for suffix, element in (("Request", self.name), ("Response", f"{self.name}Response"))
        )

    def port(self) -> str:
        return (
            f'<operation name="{self.name}"><input message="vim25:{self.name}RequestMsg"/>'
            f'<output message="vim25:{self.name}ResponseMsg"/></operation>\n'
        )

    def binding(self, version: str) -> str:
        body = '<soap:body use="literal"/>'
        return (
            f'<operation name="{self.name}">'
            f'<soap:operation soapAction="urn:vim25/{version}" style="document"/>'
            f"<input>{body}</input><output>{body}</output></operation>\n"
        )


def parse_methods(table: str) -> list[Method]:
    """Read the table; a line it does not understand is an error, not a missing method."""
    methods = []
    rest = _METHOD.sub("", table).strip()
    if rest:
        raise ValueError(f"not a method: {rest!r}")
    for name, arguments, result in _METHOD.findall(table):
        pairs = (argument.split(":") for argument in arguments.split(",") if argument.strip())
        parameters = tuple((left.strip(), right.strip()) for left, right in pairs)
        methods.append(Method(name, parameters, result))
    return methods


def document(methods: list[Method], version: str) -> str:
    """The whole WSDL as text."""
    includes = "".join(
        f'<include schemaLocation="{name}"/>\n' for name in SCHEMAS if name != "reflect-types.xsd"
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<definitions targetNamespace="urn:vim25" xmlns="http://schemas.xmlsoap.org/wsdl/"
    xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:vim25="urn:vim25">
<types>
<schema targetNamespace="urn:vim25" xmlns="http://www.w3.org/2001/XMLSchema"
    xmlns:xsd="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">
{includes}{"".join(method.elements() for method in methods)}</schema>
</types>
{"".join(method.messages() for method in methods)}<portType name="VimPortType">
{"".join(method.port() for method in methods)}</portType>
<binding name="VimBinding" type="vim25:VimPortType">
<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
{"".join(method.binding(version) for method in methods)}</binding>
<service name="VimService">
<port binding="vim25:VimBinding" name="VimPort"><soap:address location="https://localhost/sdk"/></port>
</service>
</definitions>
"""


def schema_dirs() -> dict[str, Path]:
    """The schema folders of the installed oslo.vmware by API version."""
    spec = importlib.util.find_spec("oslo_vmware")
    if spec is None or spec.origin is None:
        raise SystemExit("wsdl.py: oslo.vmware is not installed for this Python")
    return {path.name: path for path in (Path(spec.origin).parent / "wsdl").iterdir() if path.is_dir()}


def write(directory: Path, version: str | None = None) -> Path:
    """Fill `directory` with the WSDL and its schemas, those of the newest API version by default."""
    dirs = schema_dirs()
    chosen = version or max(dirs, key=lambda name: [int(part) for part in name.split(".")])
    if chosen not in dirs:
        raise SystemExit(f"wsdl.py: oslo.vmware has no schemas for {chosen}, only {sorted(dirs)}")
    directory.mkdir(parents=True, exist_ok=True)
    for name in SCHEMAS:
        shutil.copyfile(dirs[chosen] / name, directory / name)
    target = directory / "vimService.wsdl"
    target.write_text(document(parse_methods(METHODS), f"{chosen}.0.0"), encoding="utf-8")
    return target


def _element(name: str, type_: str) -> str:
    occurs = {"?": ' minOccurs="0"', "*": ' minOccurs="0" maxOccurs="unbounded"'}.get(type_[-1], "")
    bare = type_.rstrip("?*")
    if bare == "ref":
        qualified = "vim25:ManagedObjectReference"
    else:
        qualified = f"xsd:{bare}" if bare[0].islower() else f"vim25:{bare}"
    return f'<element name="{name}" type="{qualified}"{occurs}/>'


def _complex_element(name: str, children: list[str]) -> str:
    return (
        f'<element name="{name}"><complexType><sequence>{"".join(children)}'
        "</sequence></complexType></element>\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Write vimService.wsdl and its schemas into a folder.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--version", help="vSphere API version (default: the newest that is installed)")
    arguments = parser.parse_args()
    print(write(arguments.directory, arguments.version))


if __name__ == "__main__":
    main()
