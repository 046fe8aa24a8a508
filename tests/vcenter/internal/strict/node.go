// Package strict checks SOAP requests the way vCenter does and vcsim does not:
// namespace, element order, unknown and missing elements, xsi:type and scalars.
package strict

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	nsSOAP = "http://schemas.xmlsoap.org/soap/envelope/"
	nsXSI  = "http://www.w3.org/2001/XMLSchema-instance"
	nsXSD  = "http://www.w3.org/2001/XMLSchema"
	nsVim  = "urn:vim25"

	maxDepth = 64
)

// node is one element with its namespace scope, which encoding/xml does not
// keep and without which the QName in xsi:type cannot be resolved.
type node struct {
	name     xml.Name
	attrs    []xml.Attr
	scope    map[string]string
	children []*node
	text     string
}

func parse(data []byte) (*node, error) {
	d := xml.NewDecoder(bytes.NewReader(data))
	var root *node
	var stack []*node
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.Directive:
			return nil, errors.New("a document type declaration is not allowed")
		case xml.StartElement:
			n := &node{name: t.Name}
			if len(stack) > 0 {
				n.scope = stack[len(stack)-1].scope
			}
			n.addAttrs(t.Attr)
			switch {
			case len(stack) >= maxDepth:
				return nil, errors.New("elements are nested too deeply")
			case len(stack) > 0:
				p := stack[len(stack)-1]
				p.children = append(p.children, n)
			case root != nil:
				return nil, errors.New("more than one root element")
			default:
				root = n
			}
			stack = append(stack, n)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text += string(t)
			}
		}
	}
	if root == nil {
		return nil, errors.New("no element found")
	}
	return root, nil
}

func (n *node) addAttrs(attrs []xml.Attr) {
	var own map[string]string
	for _, a := range attrs {
		prefix := ""
		switch {
		case a.Name.Space == "xmlns":
			prefix = a.Name.Local
		case a.Name.Space == "" && a.Name.Local == "xmlns":
		default:
			n.attrs = append(n.attrs, a)
			continue
		}
		if own == nil {
			own = make(map[string]string, len(n.scope)+len(attrs))
			for k, v := range n.scope {
				own[k] = v
			}
		}
		own[prefix] = a.Value
	}
	if own != nil {
		n.scope = own
	}
}

func (n *node) attr(space, local string) (string, bool) {
	for _, a := range n.attrs {
		if a.Name.Space == space && a.Name.Local == local {
			return a.Value, true
		}
	}
	return "", false
}

// qname resolves a prefixed name in the scope of the element.
func (n *node) qname(s string) (xml.Name, error) {
	prefix, local, ok := strings.Cut(strings.TrimSpace(s), ":")
	if !ok {
		prefix, local = "", prefix
	}
	space, ok := n.scope[prefix]
	if !ok && prefix == "xsd" {
		// oslo.vmware writes xsi:type="xsd:string" without binding the prefix, and vCenter takes it.
		space, ok = nsXSD, true
	}
	if !ok && prefix != "" {
		return xml.Name{}, fmt.Errorf("prefix %q of %q is not bound", prefix, s)
	}
	return xml.Name{Space: space, Local: local}, nil
}

func (n *node) child(space, local string) *node {
	for _, c := range n.children {
		if c.name.Space == space && c.name.Local == local {
			return c
		}
	}
	return nil
}

func (n *node) blank() bool {
	return len(n.children) == 0 && strings.TrimSpace(n.text) == ""
}

// encode writes the tree in one canonical form, so that the decoder behind us
// meets the same prefixes whichever client library wrote the request.
func (n *node) encode(w *bytes.Buffer, parentSpace string) {
	w.WriteByte('<')
	w.WriteString(n.name.Local)
	if n.name.Space != parentSpace {
		writeAttr(w, "xmlns", n.name.Space)
	}
	for _, a := range n.attrs {
		switch a.Name.Space {
		case "":
			writeAttr(w, a.Name.Local, a.Value)
		case nsXSI:
			writeAttr(w, "xmlns:xsi", nsXSI)
			writeAttr(w, "xsi:"+a.Name.Local, n.canonicalType(a))
		}
	}
	w.WriteByte('>')
	if len(n.children) == 0 {
		_ = xml.EscapeText(w, []byte(n.text))
	}
	for _, c := range n.children {
		c.encode(w, n.name.Space)
	}
	w.WriteString("</" + n.name.Local + ">")
}

// canonicalType spells an xsi:type as govmomi's registry does.
func (n *node) canonicalType(a xml.Attr) string {
	if a.Name.Local != "type" {
		return a.Value
	}
	q, err := n.qname(a.Value)
	switch {
	case err != nil:
		return a.Value
	case q.Space == nsXSD:
		return "xsd:" + q.Local
	default:
		return q.Local
	}
}

func writeAttr(w *bytes.Buffer, name, value string) {
	w.WriteString(" " + name + `="`)
	_ = xml.EscapeText(w, []byte(value))
	w.WriteByte('"')
}
