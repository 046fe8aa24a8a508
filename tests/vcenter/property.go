package main

import (
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// snapshotter is an object of ours that hands out its properties by itself.
type snapshotter interface{ snapshot() mo.Reference }

// object copies the properties of a managed object as this caller sees them.
// The second result is false if there is no such object.
func (c *call) object(ref types.ManagedObjectReference) (reflect.Value, bool) {
	v := c.v
	if c.session != nil {
		if s, ok := c.session.get(ref).(snapshotter); ok {
			return reflect.ValueOf(s.snapshot()).Elem(), true
		}
	}
	obj := v.reg.Get(ref)
	if obj == nil && c.session != nil && c.session.sim != nil {
		obj = c.session.sim.Registry.Get(ref)
	}
	switch o := obj.(type) {
	case nil:
		return reflect.Value{}, false
	case snapshotter:
		return reflect.ValueOf(o.snapshot()).Elem(), true
	case *simulator.SessionManager:
		return reflect.ValueOf(v.sessionManager(c, o)).Elem(), true
	}
	if g, ok := obj.(interface{ Get() mo.Reference }); ok {
		obj = g.Get()
	}
	var out reflect.Value
	v.reg.WithLock(&simulator.Context{Context: c.ctx, Map: v.reg}, obj, func() {
		out = deepCopy(managed(obj))
	})
	if ds, ok := out.Addr().Interface().(*mo.Datastore); ok {
		v.present(ds)
	}
	return out, true
}

// managed digs the mo struct out of the simulator's wrappers.
func managed(obj mo.Reference) reflect.Value {
	rv := reflect.ValueOf(obj).Elem()
	for path.Base(rv.Type().PkgPath()) != "mo" {
		rv = rv.Field(0)
		if rv.Kind() == reflect.Pointer {
			rv = rv.Elem()
		}
	}
	return rv
}

// deepCopy detaches a value from the object it was read from.
func deepCopy(src reflect.Value) reflect.Value {
	dst := reflect.New(src.Type()).Elem()
	copyInto(dst, src)
	return dst
}

func copyInto(dst, src reflect.Value) {
	switch src.Kind() {
	case reflect.Pointer:
		if !src.IsNil() {
			dst.Set(reflect.New(src.Type().Elem()))
			copyInto(dst.Elem(), src.Elem())
		}
	case reflect.Interface:
		if !src.IsNil() {
			dst.Set(deepCopy(src.Elem()))
		}
	case reflect.Slice:
		if !src.IsNil() {
			dst.Set(reflect.MakeSlice(src.Type(), src.Len(), src.Len()))
			for i := range src.Len() {
				copyInto(dst.Index(i), src.Index(i))
			}
		}
	case reflect.Struct:
		dst.Set(src) // takes unexported fields along, as in time.Time
		for i := range src.NumField() {
			if dst.Field(i).CanSet() {
				dst.Field(i).SetZero()
				copyInto(dst.Field(i), src.Field(i))
			}
		}
	default:
		dst.Set(src)
	}
}

// isA tells whether a managed object type is, or inherits from, the named one.
func isA(kind reflect.Type, name string) bool {
	if kind.Name() == name || name == "ManagedObject" {
		return true
	}
	for i := range kind.NumField() {
		f := kind.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct && isA(f.Type, name) {
			return true
		}
	}
	return false
}

func invalidProperty(name string) error {
	return fail(&types.InvalidProperty{Name: name}, "The property %s is invalid", name)
}

// property reads a property path. An unset property is nil, an unknown one is a fault.
func property(obj reflect.Value, name string) (any, error) {
	var f mo.Field
	if !f.FromString(name) || f.Path == "" {
		return nil, invalidProperty(name)
	}
	val, err := walk(obj, f.Path, name)
	if err != nil || f.Key == nil {
		return wrap(val), err
	}
	item, err := byKey(val, f.Key, name)
	if err != nil || !item.IsValid() || f.Item == "" {
		return wrap(item), err
	}
	val, err = walk(item, f.Item, name)
	return wrap(val), err
}

// walk follows the dots. The type is followed even where the value is unset, so
// that a misspelt name is found whatever the object holds at the moment.
func walk(val reflect.Value, fieldPath, full string) (reflect.Value, error) {
	kind := val.Type()
	for name := range strings.SplitSeq(fieldPath, ".") {
		for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Interface {
			switch {
			case val.IsValid() && !val.IsNil():
				val = val.Elem()
				kind = val.Type()
			case kind.Kind() == reflect.Interface: // unset, and of unknown type
				return reflect.Value{}, nil
			default:
				val, kind = reflect.Value{}, kind.Elem()
			}
		}
		if kind.Kind() != reflect.Struct || name == "" {
			return reflect.Value{}, invalidProperty(full)
		}
		f, ok := kind.FieldByName(strings.ToUpper(name[:1]) + name[1:])
		if !ok || f.Anonymous || name == "self" || strings.ToLower(name[:1]) != name[:1] {
			return reflect.Value{}, invalidProperty(full)
		}
		if val.IsValid() {
			val = val.FieldByIndex(f.Index)
			if val.CanInt() && val.IsZero() && strings.Contains(f.Tag.Get("xml"), ",omitempty") {
				val = reflect.Value{} // zero is how govmomi holds an unset number
			}
		}
		kind = f.Type
	}
	return val, nil
}

func byKey(list reflect.Value, key any, full string) (reflect.Value, error) {
	if !list.IsValid() {
		return reflect.Value{}, nil
	}
	if list.Kind() != reflect.Slice {
		return reflect.Value{}, invalidProperty(full)
	}
	for i := range list.Len() {
		item := list.Index(i)
		for item.Kind() == reflect.Interface || item.Kind() == reflect.Pointer {
			item = item.Elem()
		}
		if item.Kind() != reflect.Struct {
			return reflect.Value{}, invalidProperty(full)
		}
		if k := item.FieldByName("Key"); k.IsValid() && fmt.Sprint(k.Interface()) == fmt.Sprint(key) {
			return item, nil
		}
	}
	return reflect.Value{}, nil
}

// wrap turns a field into the value of a property: unset ones into nil, slices
// into the ArrayOf types of the schema.
func wrap(val reflect.Value) any {
	if !val.IsValid() {
		return nil
	}
	switch val.Kind() {
	case reflect.Pointer, reflect.Interface:
		if val.IsNil() {
			return nil
		}
		if val.Elem().Kind() == reflect.Pointer || val.Kind() == reflect.Pointer {
			return wrap(val.Elem())
		}
		return val.Elem().Interface()
	case reflect.String:
		if val.Len() == 0 {
			return nil
		}
	case reflect.Slice:
		return arrayOf(val)
	}
	return val.Interface()
}

var arrayNames = map[reflect.Kind]string{
	reflect.String: "String", reflect.Uint8: "Byte", reflect.Int16: "Short", reflect.Int32: "Int", reflect.Int64: "Long",
}

func arrayOf(val reflect.Value) any {
	elem := val.Type().Elem()
	name := strings.TrimPrefix(elem.Name(), "Base")
	if short, ok := arrayNames[elem.Kind()]; ok && elem.PkgPath() == "" {
		name = short
	}
	kind, ok := types.TypeFunc()("ArrayOf" + name)
	if !ok {
		return nil
	}
	out := reflect.New(kind).Elem()
	field := out.Field(0)
	if !val.Type().ConvertibleTo(field.Type()) {
		return nil
	}
	field.Set(val.Convert(field.Type()))
	return out.Interface()
}

// allProperties lists what a type has, for PropertySpec.all.
func allProperties(kind reflect.Type) []string {
	var out []string
	for i := range kind.NumField() {
		f := kind.Field(i)
		switch {
		case f.Anonymous && f.Type.Kind() == reflect.Struct:
			out = append(out, allProperties(f.Type)...)
		case f.IsExported() && f.Name != "Self":
			out = append(out, strings.ToLower(f.Name[:1])+f.Name[1:])
		}
	}
	return out
}
