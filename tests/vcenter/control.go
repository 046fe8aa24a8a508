package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// vcenterMux is what clients of vCenter see.
func (v *vcenter) vcenterMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sdk", v.serveSDK)
	mux.HandleFunc("POST /sdk/", v.serveSDK)
	mux.HandleFunc("GET /sdk/vimServiceVersions.xml", v.svc.ServiceVersions)
	mux.HandleFunc("GET /sdk/{file}", v.serveWSDL)
	mux.HandleFunc("/nfc/", v.serveNFC)
	mux.HandleFunc("/", http.NotFound)
	return plainPaths{mux: mux, folder: v.serveFolder}
}

func (v *vcenter) serveWSDL(w http.ResponseWriter, r *http.Request) {
	name := filepath.Base(r.PathValue("file"))
	ext := filepath.Ext(name)
	if v.opt.wsdlDir == "" || ext != ".wsdl" && ext != ".xsd" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	http.ServeFile(w, r, filepath.Join(v.opt.wsdlDir, name))
}

// controlMux is for tests only.
func (v *vcenter) controlMux() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /journal", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(r.URL.Query().Get("since"), 10, 64)
		respond(w, v.journal.since(n))
	})
	mux.HandleFunc("DELETE /journal", func(w http.ResponseWriter, _ *http.Request) {
		v.journal.clear()
		respond(w, struct{}{})
	})
	mux.HandleFunc("GET /counters", func(w http.ResponseWriter, _ *http.Request) { respond(w, v.journal.counters()) })
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { respond(w, v.faults.list()) })
	mux.HandleFunc("POST /faults", v.addFault)
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		v.faults.clear()
		respond(w, struct{}{})
	})
	mux.HandleFunc("GET /settings", func(w http.ResponseWriter, _ *http.Request) { respond(w, v.settings.get()) })
	mux.HandleFunc("POST /settings", v.changeSettings)
	mux.HandleFunc("GET /sessions", v.listSessions)
	mux.HandleFunc("POST /sessions/expire", v.expireSessions)
	mux.HandleFunc("GET /info", func(w http.ResponseWriter, _ *http.Request) { respond(w, v.hello()) })
	mux.HandleFunc("GET /space", func(w http.ResponseWriter, _ *http.Request) { respond(w, v.listSpace()) })
	mux.HandleFunc("POST /restart-inventory-rename", v.renameDatastore)
	mux.HandleFunc("GET /machines", v.listMachines)
	mux.HandleFunc("POST /machines", v.addMachine)
	mux.HandleFunc("DELETE /machines/{name}", v.removeMachine)
	mux.HandleFunc("POST /registered-disks", v.registerDisk)
	return mux
}

func respond(w http.ResponseWriter, val any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(val)
}

func refuseControl(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": err.Error()})
}

// read decodes a body strictly: a misspelt setting must not pass in silence.
func read(r *http.Request, into any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	return d.Decode(into)
}

func (v *vcenter) addFault(w http.ResponseWriter, r *http.Request) {
	var rule faultRule
	if err := read(r, &rule); err != nil {
		refuseControl(w, err)
		return
	}
	added, err := v.faults.add(rule)
	if err != nil {
		refuseControl(w, err)
		return
	}
	respond(w, map[string]int64{"id": added.ID})
}

func (v *vcenter) changeSettings(w http.ResponseWriter, r *http.Request) {
	change := struct {
		settingValues
		FreeSpace map[string]int64 `json:"free_space"`
	}{settingValues: v.settings.get()}
	err := read(r, &change)
	if err == nil && !slices.Contains([]string{"absent", "truncated", "zero_tail"}, change.PartialPut) {
		err = fmt.Errorf("partial_put %q", change.PartialPut)
	}
	if err == nil && !slices.Contains([]string{"up", "refuse", "blackhole"}, change.ESX) {
		err = fmt.Errorf("esx %q", change.ESX)
	}
	if err == nil && !slices.Contains([]string{"esx", "vcenter", "*"}, change.NFCHost) {
		err = fmt.Errorf("nfc_host %q", change.NFCHost)
	}
	if err == nil && !slices.Contains([]string{apiVirtualCenter, apiHostAgent}, change.APIType) {
		err = fmt.Errorf("api_type %q", change.APIType)
	}
	for name := range change.FreeSpace {
		if err == nil && v.storeByName(name) == nil {
			err = fmt.Errorf("no datastore %q", name)
		}
	}
	if err == nil {
		err = v.switchESX(change.ESX)
	}
	if err != nil {
		refuseControl(w, err)
		return
	}
	for name, free := range change.FreeSpace {
		v.storeByName(name).setFree(free)
	}
	v.settings.set(change.settingValues)
	respond(w, change.settingValues)
}

// storeByName finds a datastore by "datacenter path/name".
func (v *vcenter) storeByName(name string) *datastore {
	for _, ds := range v.stores {
		if name == ds.dc.path+"/"+ds.getName() {
			return ds
		}
	}
	return nil
}

func (ds *datastore) setFree(n int64) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.free = min(n, ds.capacity)
}

func (v *vcenter) listSpace() map[string]map[string]int64 {
	out := make(map[string]map[string]int64)
	for _, ds := range v.stores {
		capacity, free := ds.space()
		out[ds.dc.path+"/"+ds.getName()] = map[string]int64{"capacity": capacity, "free": free}
	}
	return out
}

func (v *vcenter) listSessions(w http.ResponseWriter, _ *http.Request) {
	type row struct {
		Key       string `json:"key"`
		User      string `json:"user"`
		UserAgent string `json:"user_agent"`
		Calls     int64  `json:"calls"`
	}
	out := []row{}
	for _, s := range v.sessions.live() {
		u := s.userSession()
		out = append(out, row{u.Key, u.UserName, u.UserAgent, u.CallCount})
	}
	respond(w, out)
}

func (v *vcenter) expireSessions(w http.ResponseWriter, r *http.Request) {
	req := struct {
		Key   string `json:"key"`
		Shape string `json:"shape"`
	}{Shape: expiredFault}
	if r.ContentLength != 0 {
		if err := read(r, &req); err != nil {
			refuseControl(w, err)
			return
		}
	}
	if !slices.Contains([]string{expiredFault, expiredMissing, expiredEmpty}, req.Shape) {
		refuseControl(w, fmt.Errorf("shape %q", req.Shape))
		return
	}
	respond(w, map[string]int{"expired": v.sessions.expire(req.Key, req.Shape)})
}

// renameDatastore gives a datastore another name; its reference stays.
func (v *vcenter) renameDatastore(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Datastore string `json:"datastore"`
		Name      string `json:"name"`
	}
	if err := read(r, &req); err != nil {
		refuseControl(w, err)
		return
	}
	ds := v.storeByName(req.Datastore)
	if ds == nil || req.Name == "" || strings.Contains(req.Name, "/") || ds.dc.store(req.Name) != nil {
		refuseControl(w, fmt.Errorf("cannot rename %q to %q", req.Datastore, req.Name))
		return
	}
	ctx := v.simContext()
	obj := v.reg.Get(ds.ref).(*simulator.Datastore)
	v.reg.WithLock(ctx, obj, func() {
		v.reg.Update(ctx, obj, []types.PropertyChange{
			{Name: "name", Val: req.Name}, {Name: "summary.name", Val: req.Name},
		})
	})
	ds.mu.Lock()
	ds.name = req.Name
	ds.mu.Unlock()
	respond(w, struct{}{})
}
