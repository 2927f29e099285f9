package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	extensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structural "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	kjson "k8s.io/apimachinery/pkg/util/json"
	limits "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// schemas are the definitions of custom resources, by group, version and kind: what an API server checks beside the fields' names.
type schemas map[string]*apiextensions.JSONSchemaProps

// definitions reads every CustomResourceDefinition in a directory.
func definitions(directory string) (schemas, error) {
	paths, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil {
		return nil, err
	}
	all := schemas{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for _, document := range strings.Split(string(content), "\n---\n") {
			if err := all.add([]byte(document)); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	return all, nil
}

func (all schemas) add(document []byte) error {
	var definition extensions.CustomResourceDefinition
	if err := yaml.Unmarshal(document, &definition); err != nil {
		return err
	}
	for _, version := range definition.Spec.Versions {
		if version.Schema == nil {
			continue
		}
		var schema apiextensions.JSONSchemaProps
		if err := extensions.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, &schema, nil); err != nil {
			return err
		}
		all[definition.Spec.Group+"/"+version.Name+"/"+definition.Spec.Names.Kind] = &schema
	}
	return nil
}

// check says what an API server would against an object: types, bounds, patterns, and the rules that are written in CEL.
func (all schemas) check(name string, document []byte) error {
	schema, known := all[name]
	if !known {
		return nil
	}
	text, err := yaml.YAMLToJSON(document)
	if err != nil {
		return err
	}
	// Whole numbers stay whole, as CEL wants them.
	var object map[string]any
	if err := kjson.Unmarshal(text, &object); err != nil {
		return err
	}
	form, err := structural.NewStructural(schema)
	if err != nil {
		return err
	}
	defaulting.Default(object, form)
	validator, _, err := validation.NewSchemaValidator(schema)
	if err != nil {
		return err
	}
	problems := validation.ValidateCustomResource(nil, object, validator)
	rules := cel.NewValidator(form, true, limits.PerCallLimit)
	broken, _ := rules.Validate(context.Background(), nil, form, object, nil, limits.RuntimeCELCostBudget)
	return append(problems, broken...).ToAggregate()
}
