package strict

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// Request is what could be learnt of a SOAP request, also of a refused one.
type Request struct {
	Method      string
	Namespace   string
	This        types.ManagedObjectReference
	OperationID string
	// Args are the scalar arguments by name, for the journal. Secrets are left out.
	Args map[string]string
	// Body is the whole request in canonical form.
	Body []byte
}

// Options of the checker.
type Options struct {
	// AcceptFloat reads 4096.0 as the integer it stands for.
	AcceptFloat bool
}

// otherServices have types of their own, which nobody checks here.
var otherServices = map[string]bool{"urn:internalvim25": true, "urn:pbm": true, "urn:vslm": true, "urn:vsan": true}

// Check parses and checks an envelope. Requests for other services than vim25
// (pbm, internalvim25) are only taken apart.
func Check(data []byte, opt Options) (*Request, error) {
	req := new(Request)
	root, err := parse(data)
	if err != nil {
		return req, err
	}
	if root.name.Space != nsSOAP || root.name.Local != "Envelope" {
		return req, fmt.Errorf("root element is {%s}%s, not a SOAP 1.1 envelope", root.name.Space, root.name.Local)
	}
	if h := root.child(nsSOAP, "Header"); h != nil {
		for _, c := range h.children {
			if c.name.Local == "operationID" {
				req.OperationID = strings.TrimSpace(c.text)
			}
		}
	}
	body := root.child(nsSOAP, "Body")
	if body == nil || len(body.children) != 1 {
		return req, errors.New("the SOAP body must hold exactly one element")
	}
	method := body.children[0]
	req.Method, req.Namespace = method.name.Local, method.name.Space
	req.describe(method)

	if req.Namespace == nsVim {
		kind, ok := typeFunc(req.Method)
		if !ok {
			return req, fmt.Errorf("unknown method %s", req.Method)
		}
		c := checker{opt: opt}
		if err := c.object(method, kind, req.Method); err != nil {
			return req, err
		}
	} else if !otherServices[req.Namespace] {
		return req, fmt.Errorf("%s is in namespace %q", req.Method, req.Namespace)
	}

	var out bytes.Buffer
	out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
	root.encode(&out, "")
	req.Body = out.Bytes()
	return req, nil
}

var secrets = map[string]bool{
	"password": true, "token": true, "cloneTicket": true, "sessionId": true, "sessionID": true,
}

func (r *Request) describe(method *node) {
	r.Args = make(map[string]string)
	for _, c := range method.children {
		local, text := c.name.Local, strings.TrimSpace(c.text)
		switch {
		case local == "_this":
			r.This.Type, _ = c.attr("", "type")
			r.This.Value = text
		case secrets[local]:
			r.Args[local] = "***"
		case len(c.children) == 0 && text != "":
			r.Args[local] = text
		}
	}
}

var typeFunc = types.TypeFunc()

type checker struct {
	opt Options
}

// field is one element of an xsd:sequence.
type field struct {
	name     string
	kind     reflect.Type
	many     bool
	required bool
}

// fields lists the elements of a struct in schema order: what is inherited
// comes first, which is the order in which govmomi declares them.
func fields(kind reflect.Type) []field {
	var out []field
	for i := range kind.NumField() {
		f := kind.Field(i)
		if f.Anonymous {
			if f.Type.Kind() == reflect.Struct {
				out = append(out, fields(f.Type)...)
			}
			continue
		}
		tag := strings.Split(f.Tag.Get("xml"), ",")
		if tag[0] == "" || tag[0] == "-" {
			continue
		}
		d := field{name: tag[0], kind: f.Type, required: true}
		for _, flag := range tag[1:] {
			switch flag {
			case "omitempty":
				d.required = false
			case "attr", "chardata":
				d.name = ""
			}
		}
		if d.name == "" {
			continue
		}
		if d.kind.Kind() == reflect.Pointer {
			d.required = false // govmomi marks an optional boolean by the pointer alone
			d.kind = d.kind.Elem()
		}
		if d.kind.Kind() == reflect.Slice && d.kind != bytesType { // bytes are one base64 element
			d.many = true
			d.kind = d.kind.Elem()
		}
		out = append(out, d)
	}
	return out
}

var bytesType = reflect.TypeFor[[]byte]()

var morefType = reflect.TypeFor[types.ManagedObjectReference]()

// object checks an element of complex type.
func (c checker) object(n *node, kind reflect.Type, path string) error {
	if kind == morefType {
		return moref(n, path)
	}
	if strings.TrimSpace(n.text) != "" {
		return fmt.Errorf("%s: text is not allowed in %s", path, kind.Name())
	}
	declared := fields(kind)
	at, seen := 0, 0 // at is the field of the last element, seen how often it came
	for _, e := range n.children {
		local := e.name.Local
		if e.name.Space != nsVim {
			return fmt.Errorf("%s/%s: element is in namespace %q", path, local, e.name.Space)
		}
		next := at
		for next < len(declared) && declared[next].name != local {
			next++
		}
		if next == len(declared) {
			for _, f := range declared {
				if f.name == local {
					return fmt.Errorf("%s/%s: element is out of order in %s", path, local, kind.Name())
				}
			}
			return fmt.Errorf("%s/%s: %s has no such element", path, local, kind.Name())
		}
		if next != at {
			if err := missing(declared[at:next], seen, path); err != nil {
				return err
			}
			at, seen = next, 0
		}
		seen++
		if !declared[at].required && emptyString(e, declared[at].kind) && !mayBeEmpty[kind.Name()+"."+local] {
			return fmt.Errorf("%s/%s: an optional element is left out, not sent empty", path, local)
		}
		if seen > 1 && !declared[at].many {
			return fmt.Errorf("%s/%s: element is repeated", path, local)
		}
		if err := c.value(e, declared[at].kind, path+"/"+local); err != nil {
			return err
		}
	}
	return missing(declared[at:], seen, path)
}

// mayBeEmpty are the optional strings whose empty value means something: that
// the caller has seen no version yet.
var mayBeEmpty = map[string]bool{
	"WaitForUpdatesEx.version": true, "WaitForUpdates.version": true, "CheckForUpdates.version": true,
}

func emptyString(n *node, kind reflect.Type) bool {
	return kind.Kind() == reflect.String && len(n.children) == 0 && strings.TrimSpace(n.text) == ""
}

// missing reports the first required field of a skipped run; the first field of
// the run has been seen as often as seen says.
func missing(skipped []field, seen int, path string) error {
	for i, f := range skipped {
		if f.required && (i > 0 || seen == 0) {
			return fmt.Errorf("%s: required element %s is missing", path, f.name)
		}
	}
	return nil
}

func moref(n *node, path string) error {
	if kind, _ := n.attr("", "type"); kind == "" {
		return fmt.Errorf("%s: a reference needs a type attribute", path)
	}
	if len(n.children) != 0 || strings.TrimSpace(n.text) == "" {
		return fmt.Errorf("%s: a reference needs an id", path)
	}
	return nil
}

// value checks one element against its declared type and its xsi:type.
func (c checker) value(n *node, kind reflect.Type, path string) error {
	if _, isNil := n.attr(nsXSI, "nil"); isNil {
		return fmt.Errorf("%s: xsi:nil is not allowed", path)
	}
	name, typed := n.attr(nsXSI, "type")
	switch {
	case kind.Kind() == reflect.Interface:
		actual, err := c.dynamic(n, kind, name, typed, path)
		if err != nil {
			return err
		}
		kind = actual
	case typed:
		actual, err := resolve(n, name)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if kind.Kind() == reflect.Struct && kind != timeType && !derives(actual, kind) {
			return fmt.Errorf("%s: xsi:type %s is not a %s", path, name, kind.Name())
		}
		if kind.Kind() == reflect.Struct {
			kind = actual
		}
	}
	if kind.Kind() != reflect.Struct || kind == timeType {
		return c.scalar(n, kind, path)
	}
	return c.object(n, kind, path)
}

// usableBase are the base types of which a plain instance means something, so
// that clients rightly leave their xsi:type out.
var usableBase = map[string]bool{
	"SelectionSpec": true, "VirtualDeviceConfigSpec": true, "OptionValue": true,
	"FileQuery": true, "DVSConfigSpec": true, "DVPortSetting": true, "Description": true,
	"ClusterConfigSpec": true, "VmConfigSpec": true, "HostConnectInfo": true,
	"ResourcePoolSummary": true, "TaskReason": true, "ComputeResourceConfigSpec": true,
}

// dynamic finds the type of an element declared as base type or as anyType.
func (c checker) dynamic(n *node, kind reflect.Type, name string, typed bool, path string) (reflect.Type, error) {
	if kind.NumMethod() == 0 { // anyType
		if !typed {
			return nil, fmt.Errorf("%s: xsi:type is required for anyType", path)
		}
		actual, err := resolve(n, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return actual, nil
	}
	base, ok := typeFunc(kind.Name())
	if !ok {
		return nil, fmt.Errorf("%s: unknown base type %s", path, kind.Name())
	}
	if !typed {
		if !usableBase[base.Name()] {
			return nil, fmt.Errorf("%s: xsi:type is required, %s is only a base type", path, base.Name())
		}
		return base, nil
	}
	actual, err := resolve(n, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !reflect.PointerTo(actual).Implements(kind) {
		return nil, fmt.Errorf("%s: xsi:type %s is not a %s", path, name, base.Name())
	}
	return actual, nil
}

func resolve(n *node, name string) (reflect.Type, error) {
	q, err := n.qname(name)
	if err != nil {
		return nil, err
	}
	lookup := typeFunc
	switch q.Space {
	case nsXSD:
		lookup = simpleType
	case nsVim, "":
	default:
		return nil, fmt.Errorf("xsi:type %s is in namespace %q", name, q.Space)
	}
	kind, ok := lookup(q.Local)
	if !ok {
		return nil, fmt.Errorf("xsi:type %s is unknown", name)
	}
	return kind, nil
}

// derives tells whether a struct type is, or embeds, another.
func derives(kind, base reflect.Type) bool {
	if kind == base {
		return true
	}
	if kind.Kind() != reflect.Struct {
		return false
	}
	for i := range kind.NumField() {
		if f := kind.Field(i); f.Anonymous && derives(f.Type, base) {
			return true
		}
	}
	return false
}
