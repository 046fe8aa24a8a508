package strict

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

const head = `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"` +
	` xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
	`<e:Header><operationID>op-1</operationID></e:Header><e:Body>`

func envelope(body string) []byte { return []byte(head + body + `</e:Body></e:Envelope>`) }

// generated is a request as govmomi itself writes it.
func generated(t *testing.T, name string, body any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	if err := e.EncodeElement(body, xml.StartElement{Name: xml.Name{Space: "urn:vim25", Local: name}}); err != nil {
		t.Fatal(err)
	}
	return envelope(b.String())
}

var (
	ref  = types.ManagedObjectReference{Type: "Datacenter", Value: "datacenter-2"}
	this = types.ManagedObjectReference{Type: "X", Value: "x"}
)

func TestRequestsOfGovmomiPass(t *testing.T) {
	disk := &types.FileBackedVirtualDiskSpec{
		VirtualDiskSpec: types.VirtualDiskSpec{DiskType: "thin", AdapterType: "lsiLogic"}, CapacityKb: 1024,
	}
	device := &types.VirtualDisk{
		VirtualDevice: types.VirtualDevice{Key: -1, Backing: &types.VirtualDiskFlatVer2BackingInfo{DiskMode: "persistent"}},
	}
	for name, body := range map[string]any{
		"CreateVirtualDisk_Task": &types.CreateVirtualDisk_Task{This: this, Name: "[a] b.vmdk", Datacenter: &ref, Spec: disk},
		"CopyVirtualDisk_Task":   &types.CopyVirtualDisk_Task{This: this, SourceName: "a", DestName: "b", Force: types.NewBool(true)},
		"CurrentTime":            &types.CurrentTime{This: this},
		"RetrievePropertiesEx": &types.RetrievePropertiesEx{This: this, SpecSet: []types.PropertyFilterSpec{{
			PropSet: []types.PropertySpec{{Type: "Task", PathSet: []string{"info", "info.state"}}},
			ObjectSet: []types.ObjectSpec{{Obj: ref, SelectSet: []types.BaseSelectionSpec{
				&types.TraversalSpec{Type: "Folder", Path: "childEntity", SelectSet: []types.BaseSelectionSpec{
					&types.SelectionSpec{Name: "x"},
				}},
			}}},
		}}},
		"ReconfigVM_Task": &types.ReconfigVM_Task{This: this, Spec: types.VirtualMachineConfigSpec{
			DeviceChange: []types.BaseVirtualDeviceConfigSpec{&types.VirtualDeviceConfigSpec{
				Operation: types.VirtualDeviceConfigSpecOperationAdd, Device: device,
			}},
			ExtraConfig: []types.BaseOptionValue{&types.OptionValue{Key: "k", Value: "v"}},
		}},
		"RegisterExtension": &types.RegisterExtension{This: this, Extension: types.Extension{
			Description: &types.Description{Label: "l", Summary: "s"}, Key: "k", Version: "1", LastHeartbeatTime: time.Now(),
		}},
	} {
		if _, err := Check(generated(t, name, body), Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const (
	mkdir  = `<MakeDirectory xmlns="urn:vim25"><_this type="FileManager">FileManager</_this>%</MakeDirectory>`
	dc     = `<datacenter type="Datacenter">datacenter-2</datacenter>`
	name   = `<name>[a] b</name>`
	disk   = `<CreateVirtualDisk_Task xmlns="urn:vim25"><_this type="VirtualDiskManager">v</_this><name>n</name>%</CreateVirtualDisk_Task>`
	spec   = `<spec xsi:type="FileBackedVirtualDiskSpec"><diskType>thin</diskType><adapterType>ide</adapterType><capacityKb>%</capacityKb></spec>`
	wait   = `<WaitForUpdatesEx xmlns="urn:vim25"><_this type="PropertyCollector">p</_this>%</WaitForUpdatesEx>`
	login  = `<Login xmlns="urn:vim25"><_this type="SessionManager">s</_this><userName>u</userName><password>p</password>%</Login>`
	reg    = `<UpdateOptions xmlns="urn:vim25"><_this type="OptionManager">o</_this><changedValue><key>k</key>%</changedValue></UpdateOptions>`
	search = `<SearchDatastore_Task xmlns="urn:vim25"><_this type="HostDatastoreBrowser">b</_this>` +
		`<datastorePath>[a] b</datastorePath><searchSpec>%</searchSpec></SearchDatastore_Task>`
	vm = `<ReconfigVM_Task xmlns="urn:vim25"><_this type="VirtualMachine">v</_this><spec><deviceChange>%</deviceChange></spec></ReconfigVM_Task>`
)

func fill(frame, inside string) string { return strings.Replace(frame, "%", inside, 1) }

func TestHandWrittenRequests(t *testing.T) {
	for _, c := range []struct {
		body string
		want string // part of the complaint; empty for none
	}{
		{fill(mkdir, name+dc), ""},
		{fill(mkdir, name), ""},
		{fill(mkdir, name+dc+"<createParentDirectories>1</createParentDirectories>"), ""},
		{strings.ReplaceAll(fill(mkdir, name), "urn:vim25", "urn:vim2"), "namespace"},
		{`<x:MakeDirectory xmlns:x="urn:vim25"><_this type="FileManager">F</_this></x:MakeDirectory>`, "namespace"},
		{`<x:MakeDirectory xmlns:x="urn:vim25"><x:_this type="FileManager">F</x:_this><x:name>n</x:name></x:MakeDirectory>`, ""},
		{fill(mkdir, dc+name), "name is missing"},
		{fill(mkdir, name+"<createParentDirectories>1</createParentDirectories>"+dc), "out of order"},
		{fill(mkdir, dc), "name is missing"},
		{fill(mkdir, ""), "name is missing"},
		{fill(mkdir, name+name), "repeated"},
		{fill(mkdir, name+"<force>true</force>"), "no such element"},
		{fill(mkdir, name+"<datacenter/>"), "type attribute"},
		{fill(mkdir, name+`<datacenter type="Datacenter"/>`), "needs an id"},
		{fill(mkdir, name+"<createParentDirectories/>"), "empty element"},
		{fill(mkdir, name+"<createParentDirectories>yes</createParentDirectories>"), "not a boolean"},
		{fill(mkdir, name+"text"), "text is not allowed"},
		{fill(wait, "<version></version>"), ""},
		{fill(wait, ""), ""},
		{fill(search, "<matchPattern>*</matchPattern>"), ""},
		{fill(search, "<matchPattern/>"), "left out"},
		{strings.Replace(fill(login, ""), ">p<", "><", 1), ""}, // required, so its emptiness says something
		{fill(login, "<locale></locale>"), "left out"},
		{fill(disk, fill(spec, "1024")), ""},
		{fill(disk, fill(spec, "4096.0")), "not an integer"},
		{fill(disk, fill(spec, "1e3")), "not an integer"},
		{fill(disk, fill(spec, "")), "empty element"},
		{fill(disk, strings.Replace(fill(spec, "1"), ` xsi:type="FileBackedVirtualDiskSpec"`, "", 1)), "xsi:type is required"},
		{fill(disk, strings.Replace(fill(spec, "1"), "FileBacked", "Nonsense", 1)), "unknown"},
		{fill(disk, strings.Replace(fill(spec, "1"), "FileBackedVirtualDiskSpec", "OptionValue", 1)), "is not a VirtualDiskSpec"},
		{fill(disk, strings.Replace(fill(spec, "1"), "FileBacked", "q:FileBacked", 1)), "not bound"},
		{fill(disk, strings.Replace(fill(spec, "1"), "<diskType>", "<profile/><diskType>", 1)), "diskType is missing"},
		{fill(reg, `<value xsi:type="xsd:string">v</value>`), ""},
		{fill(reg, `<value xmlns:s="http://www.w3.org/2001/XMLSchema" xsi:type="s:int">7</value>`), ""},
		{fill(reg, `<value xsi:type="xsd:int">v</value>`), "not an integer"},
		{fill(reg, `<value>v</value>`), "anyType"},
		{fill(vm, `<operation>add</operation><device xsi:type="VirtualDisk"><key>1</key><capacityInKB>1</capacityInKB></device>`), ""},
		{fill(vm, `<operation>ad</operation><device xsi:type="VirtualDisk"><key>1</key><capacityInKB>1</capacityInKB></device>`), "not a value"},
		{fill(vm, `<operation>add</operation><device><key>1</key></device>`), "only a base type"},
		{fill(vm, `<device xsi:type="VirtualDisk"><capacityInKB>1</capacityInKB><key>1</key></device>`), "key is missing"},
		{`<NoSuchMethod xmlns="urn:vim25"/>`, "unknown method"},
		{`<QueryVirtualDiskInfo_Task xmlns="urn:internalvim25"><anything/></QueryVirtualDiskInfo_Task>`, ""},
		{"", "exactly one element"},
	} {
		_, err := Check(envelope(c.body), Options{})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s\nrefused: %v", c.body, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s\ngot %v, want %q", c.body, err, c.want)
		}
	}
}

func TestPrefixThatOsloLeavesUnbound(t *testing.T) {
	body := strings.Replace(string(envelope(fill(reg, `<value xsi:type="xsd:string">v</value>`))), ` xmlns:xsd="http://www.w3.org/2001/XMLSchema"`, "", 1)
	if r, err := Check([]byte(body), Options{}); err != nil || !strings.Contains(string(r.Body), "xsd:string") {
		t.Error(err)
	}
}

func TestWhatIsNoEnvelope(t *testing.T) {
	for _, body := range []string{
		"", "nonsense", "<a/>", "<a><b></a>",
		`<!DOCTYPE a [<!ENTITY x "y">]>` + string(envelope(fill(mkdir, name))),
		strings.Repeat("<a>", 100000),
	} {
		if _, err := Check([]byte(body), Options{}); err == nil {
			t.Errorf("accepted: %.60s", body)
		}
	}
}

func TestCanonicalForm(t *testing.T) {
	body := strings.Replace(fill(disk, fill(spec, "4096.0")), "<spec xsi:type=\"", "<spec xmlns:q=\"urn:vim25\" xsi:type=\"q:", 1)
	r, err := Check(envelope(body), Options{AcceptFloat: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<capacityKb>4096</capacityKb>", `xsi:type="FileBackedVirtualDiskSpec"`} {
		if !strings.Contains(string(r.Body), want) {
			t.Errorf("no %s in %s", want, r.Body)
		}
	}
	if r.OperationID != "op-1" || r.Method != "CreateVirtualDisk_Task" || r.This.Value != "v" || r.Args["name"] != "n" {
		t.Errorf("%+v", r)
	}
}
