package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// faultError is a vim fault on its way to the client.
type faultError struct {
	fault types.BaseMethodFault
	msg   string
}

func (e *faultError) Error() string {
	if e.msg != "" {
		return e.msg
	}
	return faultName(e.fault)
}

func fail(f types.BaseMethodFault, format string, args ...any) error {
	return &faultError{fault: f, msg: fmt.Sprintf(format, args...)}
}

func faultName(f types.BaseMethodFault) string {
	return reflect.TypeOf(f).Elem().Name()
}

// asFault turns any error into a vim fault.
func asFault(err error) *faultError {
	var fe *faultError
	if errors.As(err, &fe) {
		return fe
	}
	return &faultError{
		fault: &types.SystemError{Reason: err.Error()},
		msg:   "A general system error occurred: " + err.Error(),
	}
}

func localized(err error) *types.LocalizedMethodFault {
	fe := asFault(err)
	return &types.LocalizedMethodFault{Fault: fe.explained(), LocalizedMessage: fe.Error()}
}

// explained is the fault with a faultMessage, as real servers send one with
// most. A copy: the same fault may be on its way to others.
func (e *faultError) explained() types.BaseMethodFault {
	fault := reflect.New(reflect.TypeOf(e.fault).Elem())
	fault.Elem().Set(reflect.ValueOf(e.fault).Elem())
	out := fault.Interface().(types.BaseMethodFault)
	if m := out.GetMethodFault(); len(m.FaultMessage) == 0 {
		m.FaultMessage = []types.LocalizableMessage{{
			Key:     "vob." + strings.ToLower(faultName(e.fault)),
			Arg:     []types.KeyAnyValue{{Key: "1", Value: faultName(e.fault)}},
			Message: e.Error(),
		}}
	}
	return out
}

// File faults carry the datastore path, never the path on this machine.

func fileNotFound(name string) error {
	return fail(&types.FileNotFound{FileFault: types.FileFault{File: name}}, "File %s was not found", name)
}

func fileExists(name string) error {
	return fail(&types.FileAlreadyExists{FileFault: types.FileFault{File: name}},
		"Cannot complete the operation because the file or folder %s already exists", name)
}

func fileLocked(name string) error {
	return fail(&types.FileLocked{FileFault: types.FileFault{File: name}},
		"Unable to access file %s since it is locked", name)
}

func cannotAccess(name string) error {
	return fail(&types.CannotAccessFile{FileFault: types.FileFault{File: name}}, "Unable to access file %s", name)
}

func cannotCreate(name string) error {
	return fail(&types.CannotCreateFile{FileFault: types.FileFault{File: name}}, "Cannot complete file creation operation for %s", name)
}

func noSpace(name, datastore string) error {
	return fail(&types.NoDiskSpace{FileFault: types.FileFault{File: name}, Datastore: datastore},
		"Insufficient disk space on datastore '%s'.", datastore)
}

func badDisk(name string, why error) error {
	return fail(&types.InvalidDiskFormat{}, "The disk %s is of a format that is not supported: %v", name, why)
}

func invalidArgument(property string) error {
	return fail(&types.InvalidArgument{InvalidProperty: property}, "A specified parameter was not correct: %s", property)
}

func notFoundObject(ref types.ManagedObjectReference) error {
	return fail(&types.ManagedObjectNotFound{Obj: ref},
		"The object '%s:%s' has already been deleted or has not been completely created", ref.Type, ref.Value)
}

func notAuthenticated(ref *types.ManagedObjectReference) error {
	return fail(&types.NotAuthenticated{NoPermission: types.NoPermission{Object: ref, PrivilegeId: "System.View"}},
		"The session is not authenticated.")
}

// namedFault makes the fault of that name, for faults on demand.
func namedFault(name, file string) error {
	kind, ok := types.TypeFunc()(name)
	if !ok || kind.Kind() != reflect.Struct {
		return fail(&types.SystemError{Reason: "unknown fault " + name}, "unknown fault %s", name)
	}
	f, ok := reflect.New(kind).Interface().(types.BaseMethodFault)
	if !ok {
		return fail(&types.SystemError{Reason: name + " is no fault"}, "%s is no fault", name)
	}
	if ff, ok := f.(types.BaseFileFault); ok {
		ff.GetFileFault().File = file
	}
	return fail(f, "injected fault %s", name)
}
