package main

import (
	"bytes"
	"fmt"
	"reflect"

	"github.com/vmware/govmomi/vim25/xml"
)

const (
	envelopeHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<soapenv:Envelope xmlns:soapenc="http://schemas.xmlsoap.org/soap/encoding/"` +
		` xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"` +
		` xmlns:xsd="http://www.w3.org/2001/XMLSchema"` +
		` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` + "\n<soapenv:Body>\n"
	envelopeTail = "\n</soapenv:Body>\n</soapenv:Envelope>"
)

// encodeResponse wraps the response struct of a method.
func encodeResponse(res any) ([]byte, error) {
	start := xml.StartElement{Name: xml.Name{Space: "urn:vim25", Local: reflect.TypeOf(res).Elem().Name()}}
	return encode("", res, start, "")
}

// encodeFault writes a SOAP 1.1 fault whose detail names the vim fault by xsi:type.
func encodeFault(fe *faultError) ([]byte, error) {
	var text bytes.Buffer
	_ = xml.EscapeText(&text, []byte(fe.Error()))
	head := fmt.Sprintf("<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>%s</faultstring><detail>", &text)
	kind := faultName(fe.fault)
	start := xml.StartElement{
		Name: xml.Name{Local: kind + "Fault"},
		Attr: []xml.Attr{
			{Name: xml.Name{Local: "xmlns"}, Value: "urn:vim25"},
			{Name: xml.Name{Local: "xsi:type"}, Value: kind},
		},
	}
	return encode(head, fe.explained(), start, "</detail></soapenv:Fault>")
}

func encode(before string, value any, start xml.StartElement, after string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(envelopeHead + before)
	e := xml.NewEncoder(&b)
	if err := e.EncodeElement(value, start); err != nil {
		return nil, err
	}
	if err := e.Flush(); err != nil {
		return nil, err
	}
	b.WriteString(after + envelopeTail)
	return b.Bytes(), nil
}
