#!/usr/bin/env python3
"""Lets pyVmomi judge the simulated vCenter.

usage: judge_pyvmomi.py VCENTER   (the built program; needs pyvmomi from PyPI)

Every request of pyVmomi must pass the strict checker, and requests that are
broken on purpose must not.
"""

import http.client
import json
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

from pyVim.connect import Disconnect, SmartConnect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

ENVELOPE = (
    '<?xml version="1.0"?><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><e:Body>%s</e:Body></e:Envelope>'
)


def expect(fault, call, *args, **kwargs):
    """The call, or the task it starts, must end in this fault."""
    try:
        result = call(*args, **kwargs)
        if isinstance(result, vim.Task):
            WaitForTask(result)
    except fault:
        return
    raise AssertionError("%s did not raise %s" % (call, fault.__name__))


class Judge:
    def __init__(self, hello):
        self.hello = hello
        self.tls = ssl.create_default_context(cafile=hello["ca_file"])
        self.si = SmartConnect(
            host="127.0.0.1", port=hello["port"], user="user", pwd="pass", sslContext=self.tls
        )
        self.content = self.si.RetrieveContent()
        self.dc = self.content.searchIndex.FindByInventoryPath("DC0")
        assert self.dc.name == "DC0"

    def control(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(self.hello["control"] + path, data) as answer:
            return json.load(answer)

    def raw(self, body):
        """Send a request as it stands; return the fault's name or None."""
        c = http.client.HTTPSConnection("127.0.0.1", self.hello["port"], context=self.tls)
        cookie = self.si._stub.cookie.split(";")[0]
        c.request("POST", "/sdk", ENVELOPE % body, {
            "Cookie": cookie, "SOAPAction": "urn:vim25/8.0.1.0", "Content-Type": "text/xml",
        })
        answer = c.getresponse()
        text = answer.read().decode()
        c.close()
        if answer.status == 200:
            return None
        return text.split("<detail><")[1].split("Fault")[0]

    def inventory(self):
        view = self.content.viewManager.CreateContainerView(
            self.content.rootFolder, [vim.Datastore, vim.HostSystem], True
        )
        names = sorted(o.name for o in view.view)
        assert names.count("images") == 2 and "vsan1" in names, names
        traverse = vmodl.query.PropertyCollector.TraversalSpec(
            type=vim.view.ContainerView, path="view", skip=False
        )
        spec = vmodl.query.PropertyCollector.FilterSpec(
            objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=view, skip=True, selectSet=[traverse])],
            propSet=[vmodl.query.PropertyCollector.PropertySpec(type=vim.Datastore, pathSet=["name", "summary"])],
        )
        pc = self.content.propertyCollector
        options = vmodl.query.PropertyCollector.RetrieveOptions(maxObjects=2)
        page = pc.RetrievePropertiesEx([spec], options)
        found = list(page.objects)
        while page.token:
            page = pc.ContinueRetrievePropertiesEx(page.token)
            found += page.objects
        assert len(found) == 6, len(found)
        for o in found:
            values = {p.name: p.val for p in o.propSet}
            assert values["summary"].type in ("VMFS", "NFS", "vsan")
            assert values["summary"].url.startswith("ds:///vmfs/volumes/")
            assert values["summary"].maintenanceMode == "normal"
        spec.propSet[0].pathSet = ["nonsense"]
        expect(vmodl.query.InvalidProperty, pc.RetrievePropertiesEx, [spec], options)
        view.DestroyView()

        for ds in self.dc.datastore:
            for mount in ds.host:
                assert mount.mountInfo.accessMode == "readWrite" and mount.mountInfo.accessible
                assert mount.key.runtime.connectionState == "connected"

    def files(self):
        fm, vdm, dc = self.content.fileManager, self.content.virtualDiskManager, self.dc
        fm.MakeDirectory("[images] py/deep", dc, True)
        expect(vim.fault.FileAlreadyExists, fm.MakeDirectory, "[images] py/deep", dc)
        expect(vim.fault.FileNotFound, fm.MakeDirectory, "[images] no/where", dc)
        expect(vim.fault.InvalidDatastore, fm.MakeDirectory, "[nope] x", dc)
        spec = vim.VirtualDiskManager.FileBackedVirtualDiskSpec(
            diskType="thin", adapterType="lsiLogic", capacityKb=4096
        )
        WaitForTask(vdm.CreateVirtualDisk_Task("[images] py/a.vmdk", dc, spec))
        expect(vim.fault.FileAlreadyExists, vdm.CreateVirtualDisk_Task, "[images] py/a.vmdk", dc, spec)
        WaitForTask(vdm.CopyVirtualDisk_Task("[images] py/a.vmdk", dc, "[work] b.vmdk", dc))
        expect(vim.fault.FileAlreadyExists, vdm.CopyVirtualDisk_Task, "[images] py/a.vmdk", dc, "[work] b.vmdk", dc, None, True)
        expect(vmodl.fault.NotImplemented, vdm.CopyVirtualDisk_Task, "[images] py/a.vmdk", dc, "[work] c.vmdk", dc, spec)
        assert vdm.QueryVirtualDiskUuid("[work] b.vmdk", dc).startswith("60 00 C2 9")
        WaitForTask(vdm.ExtendVirtualDisk_Task("[work] b.vmdk", dc, 8192, False))
        expect(vmodl.fault.InvalidArgument, vdm.ExtendVirtualDisk_Task, "[work] b.vmdk", dc, 4096, False)
        WaitForTask(vdm.MoveVirtualDisk_Task("[work] b.vmdk", dc, "[work] m.vmdk", dc))
        WaitForTask(fm.CopyDatastoreFile_Task("[images] py", dc, "[work] py2", dc))
        WaitForTask(fm.MoveDatastoreFile_Task("[work] py2", dc, "[work] py3", dc))
        WaitForTask(fm.DeleteDatastoreFile_Task("[work] py3", dc))
        expect(vim.fault.FileNotFound, fm.DeleteDatastoreFile_Task, "[work] py3", dc)
        self.search()
        WaitForTask(vdm.DeleteVirtualDisk_Task("[work] m.vmdk", dc))

    def search(self):
        images = next(d for d in self.dc.datastore if d.name == "images")
        task = images.browser.SearchDatastore_Task("[images] py")
        WaitForTask(task)
        assert task.info.result.folderPath == "[images] py/", task.info.result.folderPath
        assert {f.path for f in task.info.result.file} == {"a.vmdk", "a-flat.vmdk", "deep"}
        spec = vim.host.DatastoreBrowser.SearchSpec(
            query=[vim.host.DatastoreBrowser.VmDiskQuery(
                details=vim.host.DatastoreBrowser.VmDiskQuery.Details(diskType=True, capacityKb=True, hardwareVersion=False)
            )],
            details=vim.host.DatastoreBrowser.FileInfo.Details(
                fileType=True, fileSize=True, modification=True, fileOwner=False
            ),
            matchPattern=["*.vmdk"],
        )
        task = images.browser.SearchDatastoreSubFolders_Task("[images]", spec)
        WaitForTask(task)
        disks = [f for r in task.info.result for f in r.file]
        assert [(f.path, f.capacityKb) for f in disks] == [("a.vmdk", 4096)], disks
        expect(vim.fault.FileNotFound, images.browser.SearchDatastore_Task, "[images] none", spec)

    def ticket(self):
        host = self.hello["hosts"][0]
        url = "https://%s/folder/py/t.bin?dcPath=ha-datacenter&dsName=images" % host
        spec = vim.SessionManager.HttpServiceRequestSpec(method="httpPut", url=url)
        ticket = self.content.sessionManager.AcquireGenericServiceTicket(spec)
        assert ticket.hostName == host and ticket.sslThumbprint
        tls = ssl._create_unverified_context()
        target = urllib.parse.urlsplit(url)

        def put():
            c = http.client.HTTPSConnection(host, self.hello["esx_port"], context=tls)
            c.request("PUT", target.path + "?" + target.query, b"0123456789", {
                "Cookie": 'vmware_cgi_ticket="%s"' % ticket.id, "Host": host,
            })
            status = c.getresponse().status
            c.close()
            return status

        assert put() == 201
        assert put() == 401, "a ticket is for one request"

    def broken(self):
        login = '<Login xmlns="%s"><_this type="SessionManager">SessionManager</_this>%s</Login>'
        user, password = "<userName>user</userName>", "<password>pass</password>"
        make = (
            '<CreateVirtualDisk_Task xmlns="urn:vim25">'
            '<_this type="VirtualDiskManager">virtualDiskManager</_this><name>[images] py/z.vmdk</name>'
            '<datacenter type="Datacenter">%s</datacenter>%%s</CreateVirtualDisk_Task>' % self.dc._moId
        )
        spec = (
            "<spec %s><diskType>thin</diskType><adapterType>lsiLogic</adapterType>"
            "<capacityKb>%s</capacityKb>%s</spec>"
        )
        kind = 'xsi:type="FileBackedVirtualDiskSpec"'
        for body, fault in (
            (login % ("urn:vim25", user + password), "InvalidLogin"),  # on a live session
            (login % ("urn:vim25", password + user), "InvalidRequest"),
            (login % ("urn:other", user + password), "InvalidRequest"),
            (login % ("urn:vim25", user), "InvalidRequest"),
            (login % ("urn:vim25", user + password + "<extra/>"), "InvalidRequest"),
            (make % spec % (kind, "4096.0", ""), "InvalidRequest"),
            (make % spec % ("", "4096", ""), "InvalidRequest"),
            (make % spec % ('xsi:type="HostMountInfo"', "4096", ""), "InvalidRequest"),
            (make % spec % (kind, "4096", "<profile/>"), "InvalidRequest"),
            (make % spec % (kind, "", ""), "InvalidRequest"),
            (make % spec % (kind, "4096", ""), None),
        ):
            got = self.raw(body)
            assert got == fault, (body, got)

    def run(self):
        self.inventory()
        self.files()
        self.ticket()
        counters = self.control("/counters")
        assert counters["refused"] == 0, [e for e in self.control("/journal") if e.get("fault") == "InvalidRequest"]
        assert counters["panics"] == 0
        self.broken()
        Disconnect(self.si)
        assert self.control("/sessions") == []
        assert all("pass" not in e.get("args", {}).values() for e in self.control("/journal"))
        print("ok: %d calls of pyVmomi" % sum(counters["calls"].values()))


def main():
    with tempfile.TemporaryDirectory() as state:
        server = subprocess.Popen([sys.argv[1], "-state", state], stdout=subprocess.PIPE)
        try:
            Judge(json.loads(server.stdout.readline())).run()
        finally:
            server.terminate()
            assert server.wait(10) == 0


if __name__ == "__main__":
    main()
