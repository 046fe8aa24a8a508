package strict

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

var timeType = reflect.TypeFor[time.Time]()

// simpleTypes are the types of XML Schema that stand in for anyType.
var simpleTypes = map[string]reflect.Type{
	"boolean": reflect.TypeFor[bool](), "byte": reflect.TypeFor[int8](), "short": reflect.TypeFor[int16](),
	"int": reflect.TypeFor[int32](), "long": reflect.TypeFor[int64](), "float": reflect.TypeFor[float32](),
	"double": reflect.TypeFor[float64](), "string": reflect.TypeFor[string](), "dateTime": timeType,
	"base64Binary": bytesType,
}

func simpleType(name string) (reflect.Type, bool) {
	kind, ok := simpleTypes[name]
	return kind, ok
}

// scalar checks the text of a simple type and rewrites the few spellings that
// the schema allows and Go's decoder does not.
func (c checker) scalar(n *node, kind reflect.Type, path string) error {
	if len(n.children) != 0 {
		return fmt.Errorf("%s: elements are not allowed in a simple type", path)
	}
	if kind.Kind() == reflect.String {
		return enumeration(n, kind, path)
	}
	text := strings.TrimSpace(n.text)
	if text == "" {
		return fmt.Errorf("%s: empty element", path)
	}
	if kind == timeType {
		return dateTime(n, text, path)
	}
	var err error
	switch kind.Kind() {
	case reflect.Bool:
		if !slices.Contains([]string{"true", "false", "0", "1"}, text) {
			err = fmt.Errorf("%q is not a boolean", text)
		}
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		err = c.integer(n, text, kind.Bits())
	case reflect.Uint8:
		_, err = strconv.ParseInt(text, 10, 16)
	case reflect.Float32, reflect.Float64:
		_, err = strconv.ParseFloat(text, kind.Bits())
	case reflect.Slice: // xsd:base64Binary
		_, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (c checker) integer(n *node, text string, bits int) error {
	_, err := strconv.ParseInt(text, 10, bits)
	if err == nil {
		return nil
	}
	if whole, zeros, ok := strings.Cut(text, "."); ok && c.opt.AcceptFloat && strings.Trim(zeros, "0") == "" {
		if _, err := strconv.ParseInt(whole, 10, bits); err == nil {
			n.text = whole
			return nil
		}
	}
	return fmt.Errorf("%q is not an integer of %d bits", text, bits)
}

// enumeration checks a string and, where govmomi knows them, the values of an enumeration.
func enumeration(n *node, kind reflect.Type, path string) error {
	values, ok := kind.MethodByName("Values")
	if !ok || kind.PkgPath() == "" {
		return nil
	}
	allowed := values.Func.Call([]reflect.Value{reflect.Zero(kind)})[0]
	for i := range allowed.Len() {
		if allowed.Index(i).String() == n.text {
			return nil
		}
	}
	return fmt.Errorf("%s: %q is not a value of %s", path, n.text, kind.Name())
}

// dateTime accepts a time without zone, as UTC, like vCenter.
func dateTime(n *node, text, path string) error {
	if _, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return nil
	}
	if t, err := time.Parse("2006-01-02T15:04:05.999999999", text); err == nil {
		n.text = t.Format("2006-01-02T15:04:05.999999999Z")
		return nil
	}
	return fmt.Errorf("%s: %q is not a dateTime", path, text)
}
