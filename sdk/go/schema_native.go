//go:build !wasip1

package sandgate

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
)

// The JSON Schema of what may be set, from the struct and its defaults.
func (d declared[T]) schema() schema {
	var defaults T
	// They were written by the same package.
	_ = json.Unmarshal(d.defaults, &defaults)
	return schemaOf(reflect.TypeFor[T](), reflect.ValueOf(defaults))
}

// A JSON object whose members keep their order, so that what is written reads as the source does.
type schema []member

type member struct {
	name  string
	value any
}

func (s schema) MarshalJSON() ([]byte, error) {
	var made bytes.Buffer
	made.WriteByte('{')
	for index, member := range s {
		if index > 0 {
			made.WriteByte(',')
		}
		made.WriteString(toJSON(member.name) + ":" + toJSON(member.value))
	}
	made.WriteByte('}')
	return made.Bytes(), nil
}

var (
	writesItself = reflect.TypeFor[json.Marshaler]()
	readsItself  = reflect.TypeFor[json.Unmarshaler]()
	readsText    = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// value: the defaults of a struct; invalid where there are none.
func schemaOf(of reflect.Type, value reflect.Value) schema {
	switch pointer := reflect.PointerTo(of); {
	case of.Kind() == reflect.Pointer:
		return schemaOf(of.Elem(), reflect.Value{})
	case pointer.Implements(readsItself) || pointer.Implements(writesItself):
		return schema{}
	case pointer.Implements(readsText):
		return schema{{"type", "string"}}
	}
	switch of.Kind() {
	case reflect.Bool:
		return schema{{"type", "boolean"}}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return schema{{"type", "integer"}}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return schema{{"type", "integer"}, {"minimum", 0}}
	case reflect.Float32, reflect.Float64:
		return schema{{"type", "number"}}
	case reflect.String:
		return schema{{"type", "string"}}
	case reflect.Slice, reflect.Array:
		if of.Kind() == reflect.Slice && of.Elem().Kind() == reflect.Uint8 {
			// In base64.
			return schema{{"type", "string"}}
		}
		made := schema{{"type", "array"}, {"items", schemaOf(of.Elem(), reflect.Value{})}}
		if of.Kind() == reflect.Array {
			made = append(made, member{"maxItems", of.Len()})
		}
		return made
	case reflect.Map:
		return schema{{"type", "object"}, {"additionalProperties", schemaOf(of.Elem(), reflect.Value{})}}
	case reflect.Struct:
		return schemaOfStruct(of, value)
	case reflect.Interface:
		return schema{}
	}
	panic(fmt.Sprintf("sandgate.Settings: %s is not a type that settings can have", of))
}

func schemaOfStruct(of reflect.Type, value reflect.Value) schema {
	properties, required := schema{}, []string{}
	fieldsOf(of, value, &properties, &required)
	made := schema{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}}
	if len(required) > 0 {
		made = append(made, member{"required", required})
	}
	return made
}

func fieldsOf(of reflect.Type, value reflect.Value, properties *schema, required *[]string) {
	for index := range of.NumField() {
		field := of.Field(index)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		var given reflect.Value
		if value.IsValid() {
			given = value.Field(index)
		}
		switch {
		case name == "-" && options == "":
			continue
		case field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct:
			fieldsOf(field.Type, given, properties, required)
			continue
		case !field.IsExported():
			continue
		case name == "":
			name = field.Name
		}
		made := schemaOf(field.Type, given)
		if strings.Contains(","+options+",", ",string,") {
			made = schema{{"type", "string"}}
		}
		made = tagged(made, field)
		if field.Tag.Get("required") == "true" {
			*required = append(*required, name)
		} else if given.IsValid() && !empty(given) && given.CanInterface() {
			made = made.with("default", given.Interface())
		}
		*properties = append(*properties, member{name, made})
	}
}

// What is null in JSON is left out instead.
func empty(value reflect.Value) bool {
	switch value.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		return value.IsNil()
	}
	return false
}

// Tags that say more than the type does: keywords of JSON Schema, which the gateway checks.
func tagged(made schema, field reflect.StructField) schema {
	if text, has := field.Tag.Lookup("doc"); has {
		made = made.with("description", text)
	}
	for tag, keyword := range map[string]string{
		"min": "minimum", "max": "maximum", "minLength": "minLength", "maxLength": "maxLength",
		"minItems": "minItems", "maxItems": "maxItems",
	} {
		if text, has := field.Tag.Lookup(tag); has {
			if !json.Valid([]byte(text)) {
				panic(fmt.Sprintf("sandgate.Settings: %s: %s:%q is no number", field.Name, tag, text))
			}
			made = made.with(keyword, json.RawMessage(text))
		}
	}
	if text, has := field.Tag.Lookup("pattern"); has {
		made = made.with("pattern", text)
	}
	if text, has := field.Tag.Lookup("enum"); has {
		made = made.with("enum", strings.Split(text, ","))
	}
	return made
}

// The member in its old place, where it is there.
func (s schema) with(name string, value any) schema {
	for index := range s {
		if s[index].name == name {
			s[index].value = value
			return s
		}
	}
	return append(s, member{name, value})
}
