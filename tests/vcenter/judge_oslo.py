#!/usr/bin/env python3
"""Lets oslo.vmware, the SOAP client of Nova and Cinder, judge the simulated vCenter.

usage: judge_oslo.py VCENTER   (the built program; needs oslo.vmware from PyPI)

oslo.vmware brings the schema of the types but not of the methods. A WSDL for
the methods used here is written from the table below and served by -wsdl-dir.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

import oslo_vmware
from oslo_vmware import api, exceptions, vim_util

MOREF = "vim25:ManagedObjectReference"
# method: (arguments in order, "?" marks optional and "*" repeated ones; result)
METHODS = {
    "RetrieveServiceContent": ([], "vim25:ServiceContent"),
    "Login": ([("userName", "xsd:string"), ("password", "xsd:string"), ("locale?", "xsd:string")], "vim25:UserSession"),
    "Logout": ([], None),
    "SessionIsActive": ([("sessionID", "xsd:string"), ("userName", "xsd:string")], "xsd:boolean"),
    "TerminateSession": ([("sessionId*", "xsd:string")], None),
    "RetrievePropertiesEx": (
        [("specSet*", "vim25:PropertyFilterSpec"), ("options", "vim25:RetrieveOptions")],
        "vim25:RetrieveResult",
    ),
    "ContinueRetrievePropertiesEx": ([("token", "xsd:string")], "vim25:RetrieveResult"),
    "CancelRetrievePropertiesEx": ([("token", "xsd:string")], None),
    "FindByInventoryPath": ([("inventoryPath", "xsd:string")], MOREF),
    "FindExtension": ([("extensionKey", "xsd:string")], "vim25:Extension"),
    "MakeDirectory": (
        [("name", "xsd:string"), ("datacenter?", MOREF), ("createParentDirectories?", "xsd:boolean")], None,
    ),
    "DeleteDatastoreFile_Task": ([("name", "xsd:string"), ("datacenter?", MOREF)], MOREF),
    "SearchDatastore_Task": (
        [("datastorePath", "xsd:string"), ("searchSpec?", "vim25:HostDatastoreBrowserSearchSpec")], MOREF,
    ),
    "CreateVirtualDisk_Task": (
        [("name", "xsd:string"), ("datacenter?", MOREF), ("spec", "vim25:VirtualDiskSpec")], MOREF,
    ),
    "CopyVirtualDisk_Task": (
        [("sourceName", "xsd:string"), ("sourceDatacenter?", MOREF), ("destName", "xsd:string"),
         ("destDatacenter?", MOREF), ("destSpec?", "vim25:VirtualDiskSpec"), ("force?", "xsd:boolean")], MOREF,
    ),
    "CreateVM_Task": (
        [("config", "vim25:VirtualMachineConfigSpec"), ("pool", MOREF), ("host?", MOREF)], MOREF,
    ),
    "ReconfigVM_Task": ([("spec", "vim25:VirtualMachineConfigSpec")], MOREF),
    "Destroy_Task": ([], MOREF),
    "AcquireGenericServiceTicket": (
        [("spec", "vim25:SessionManagerServiceRequestSpec")], "vim25:SessionManagerGenericServiceTicket",
    ),
}


def element(name, kind):
    optional = "minOccurs='0'" if name[-1] == "?" else ""
    many = "maxOccurs='unbounded'" if name[-1] == "*" else ""
    return "<element name='%s' type='%s' %s %s/>" % (name.rstrip("?*"), kind, optional, many)


def wsdl():
    types, messages, operations, bindings = [], [], [], []
    for name, (args, result) in METHODS.items():
        fields = "".join(element(n, k) for n, k in [("_this", MOREF)] + args)
        returns = element("returnval?", result) if result else ""
        types.append(
            "<complexType name='%sRequestType'><sequence>%s</sequence></complexType>"
            "<element name='%s' type='vim25:%sRequestType'/>"
            "<element name='%sResponse'><complexType><sequence>%s</sequence></complexType></element>"
            % (name, fields, name, name, name, returns)
        )
        messages.append(
            "<message name='%sIn'><part name='parameters' element='vim25:%s'/></message>"
            "<message name='%sOut'><part name='parameters' element='vim25:%sResponse'/></message>"
            % (name, name, name, name)
        )
        operations.append(
            "<operation name='%s'><input message='vim25:%sIn'/><output message='vim25:%sOut'/></operation>"
            % (name, name, name)
        )
        bindings.append(
            "<operation name='%s'><soap:operation soapAction='urn:vim25/8.0' style='document'/>"
            "<input><soap:body use='literal'/></input><output><soap:body use='literal'/></output></operation>" % name
        )
    return (
        "<definitions targetNamespace='urn:vim25' xmlns='http://schemas.xmlsoap.org/wsdl/' xmlns:vim25='urn:vim25'"
        " xmlns:soap='http://schemas.xmlsoap.org/wsdl/soap/' xmlns:xsd='http://www.w3.org/2001/XMLSchema'>"
        "<types><schema targetNamespace='urn:vim25' elementFormDefault='qualified'"
        " xmlns='http://www.w3.org/2001/XMLSchema'>"
        "<include schemaLocation='core-types.xsd'/><include schemaLocation='query-types.xsd'/>"
        "<include schemaLocation='vim-types.xsd'/>%s</schema></types>%s"
        "<portType name='VimPortType'>%s</portType>"
        "<binding name='VimBinding' type='vim25:VimPortType'>"
        "<soap:binding style='document' transport='http://schemas.xmlsoap.org/soap/http'/>%s</binding>"
        "<service name='VimService'><port name='VimPort' binding='vim25:VimBinding'>"
        "<soap:address location='https://localhost/sdk/vimService'/></port></service></definitions>"
        % ("".join(types), "".join(messages), "".join(operations), "".join(bindings))
    )


def write_wsdl(directory):
    source = os.path.join(os.path.dirname(oslo_vmware.__file__), "wsdl", "8.0")
    for name in os.listdir(source):
        if name.endswith("-types.xsd"):
            shutil.copy(os.path.join(source, name), directory)
    with open(os.path.join(directory, "vimService.wsdl"), "w") as f:
        f.write(wsdl())


def expect(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError("no %s" % kind.__name__)


class Judge:
    def __init__(self, hello):
        self.hello = hello
        self.session = api.VMwareAPISession(
            "127.0.0.1", "user", "pass", 2, 0.1, port=hello["port"], cacert=hello["ca_file"], create_session=True
        )
        self.content = self.session.vim.service_content
        self.factory = self.session.vim.client.factory

    def call(self, module, method, *args, **kwargs):
        return self.session.invoke_api(module, method, *args, **kwargs)

    def do(self, method, *args, **kwargs):
        return self.session.wait_for_task(self.call(self.session.vim, method, *args, **kwargs))

    def create(self, kind, **values):
        obj = self.factory.create("ns0:" + kind)
        for k, v in values.items():
            setattr(obj, k, v)
        return obj

    def control(self, path):
        with urllib.request.urlopen(self.hello["control"] + path) as answer:
            return json.load(answer)

    def run(self):
        vim = self.session.vim
        dc = self.call(vim, "FindByInventoryPath", self.content.searchIndex, inventoryPath="DC0")
        assert self.call(vim, "FindExtension", self.content.extensionManager, extensionKey="org.openstack.compute")
        found = self.call(vim_util, "get_objects", vim, "Datastore", 2, ["name", "summary.type"])
        names = []
        with vim_util.WithRetrieval(vim, found) as objects:
            for o in objects:
                names.append({p.name: p.val for p in o.propSet}["name"])
        assert len(names) == 6, names
        assert self.session.is_current_session_active()
        browser = next(
            self.call(vim_util, "get_object_property", vim, ds, "browser")
            for ds in self.call(vim_util, "get_object_property", vim, dc, "datastore").ManagedObjectReference
            if self.call(vim_util, "get_object_property", vim, ds, "name") == "images"
        )
        fm, vdm = self.content.fileManager, self.content.virtualDiskManager
        self.call(vim, "MakeDirectory", fm, name="[images] oslo", datacenter=dc, createParentDirectories=True)
        expect(exceptions.FileAlreadyExistsException, lambda: self.call(
            vim, "MakeDirectory", fm, name="[images] oslo", datacenter=dc))
        spec = self.create("FileBackedVirtualDiskSpec", adapterType="lsiLogic", diskType="thin", capacityKb=4096)
        self.do("CreateVirtualDisk_Task", vdm, name="[images] oslo/a.vmdk", datacenter=dc, spec=spec)
        self.do("CopyVirtualDisk_Task", vdm, sourceName="[images] oslo/a.vmdk", sourceDatacenter=dc,
                destName="[images] oslo/b.vmdk")
        result = self.do("SearchDatastore_Task", browser, datastorePath="[images] oslo").result
        assert len(result.file) == 4, result
        search = self.create("HostDatastoreBrowserSearchSpec", matchPattern=["b.vmdk"])
        search.details = self.create(
            "FileQueryFlags", fileOwner=False, fileSize=True, fileType=False, modification=False)
        result = self.do("SearchDatastore_Task", browser, datastorePath="[images] oslo", searchSpec=search).result
        assert [f.path for f in result.file] == ["b.vmdk"]
        expect(exceptions.FileNotFoundException, lambda: self.do(
            "SearchDatastore_Task", browser, datastorePath="[images] nowhere", searchSpec=search))
        self.machine(dc)
        ticket = self.create("SessionManagerHttpServiceRequestSpec", method="PUT",
                             url="https://127.0.0.2/folder/x?dcPath=ha-datacenter&dsName=images")
        assert self.call(vim, "AcquireGenericServiceTicket", self.content.sessionManager, spec=ticket).id
        self.do("DeleteDatastoreFile_Task", fm, name="[images] oslo", datacenter=dc)

        spec.capacityKb = 4096.0
        expect(exceptions.VimException, lambda: self.do(
            "CreateVirtualDisk_Task", vdm, name="[images] f.vmdk", datacenter=dc, spec=spec))
        refused = [e for e in self.control("/journal") if e.get("fault") == "InvalidRequest"]
        assert len(refused) == 1 and "4096.0" in refused[0]["message"], refused
        self.session.logout()
        print("ok: %d calls of oslo.vmware" % sum(self.control("/counters")["calls"].values()))

    def machine(self, dc):
        vim = self.session.vim
        folder = self.call(vim_util, "get_object_property", vim, dc, "vmFolder")
        pools = self.call(vim_util, "get_objects", vim, "ResourcePool", 100, ["name"])
        with vim_util.WithRetrieval(vim, pools) as objects:
            pool = next(iter(objects)).obj
        controller = self.create("VirtualLsiLogicController", key=-100, busNumber=0, sharedBus="noSharing")
        first = self.create("VirtualDeviceConfigSpec", operation="add", device=controller)
        option = self.create("OptionValue", key="note", value="judge")
        files = self.create("VirtualMachineFileInfo", vmPathName="[images]")
        config = self.create("VirtualMachineConfigSpec", name="oslo-vm", guestId="otherGuest", files=files,
                             numCPUs=1, memoryMB=64, deviceChange=[first], extraConfig=[option])
        vm = self.do("CreateVM_Task", folder, config=config, pool=pool).result
        backing = self.create("VirtualDiskFlatVer2BackingInfo", fileName="", diskMode="persistent",
                              thinProvisioned=True)
        parent = self.create("VirtualDiskFlatVer2BackingInfo", fileName="[images] oslo/b.vmdk", diskMode="persistent")
        backing.parent = parent
        disk = self.create("VirtualDisk", key=-101, backing=backing, controllerKey=1000, unitNumber=0,
                           capacityInKB=4096)
        change = self.create("VirtualDeviceConfigSpec", operation="add", fileOperation="create", device=disk)
        self.do("ReconfigVM_Task", vm, spec=self.create("VirtualMachineConfigSpec", deviceChange=[change]))
        self.do("Destroy_Task", vm)


def main():
    with tempfile.TemporaryDirectory() as state:
        schema = os.path.join(state, "wsdl")
        os.mkdir(schema)
        write_wsdl(schema)
        server = subprocess.Popen(
            [sys.argv[1], "-state", state, "-wsdl-dir", schema], stdout=subprocess.PIPE
        )
        try:
            Judge(json.loads(server.stdout.readline())).run()
        finally:
            server.terminate()
            assert server.wait(10) == 0


if __name__ == "__main__":
    main()
