// Decode DIRECTORY FILE...: decodes every custom resource in the files strictly into the Go types of the project that owns it,
// because what a typing mistake made, an API server drops without a word. The directory has the projects' definitions, which say
// what else an API server would refuse. It prints what was decoded, a line each.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	gateway "github.com/envoyproxy/gateway/api/v1alpha1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	mesh "istio.io/api/mesh/v1alpha1"
	networking "istio.io/api/networking/v1alpha3"
	security "istio.io/api/security/v1beta1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	kyaml "k8s.io/apimachinery/pkg/util/yaml"
	routes "sigs.k8s.io/gateway-api/apis/v1"
	grants "sigs.k8s.io/gateway-api/apis/v1beta1"
	sigsjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// structs are custom resources whose Go types are what their API server has.
var structs = map[string]func() any{
	"gateway.envoyproxy.io/v1alpha1/SecurityPolicy":      func() any { return new(gateway.SecurityPolicy) },
	"gateway.envoyproxy.io/v1alpha1/ClientTrafficPolicy": func() any { return new(gateway.ClientTrafficPolicy) },
	"gateway.networking.k8s.io/v1/HTTPRoute":             func() any { return new(routes.HTTPRoute) },
	"gateway.networking.k8s.io/v1/Gateway":               func() any { return new(routes.Gateway) },
	"gateway.networking.k8s.io/v1/GatewayClass":          func() any { return new(routes.GatewayClass) },
	"gateway.networking.k8s.io/v1beta1/ReferenceGrant":   func() any { return new(grants.ReferenceGrant) },
	"monitoring.coreos.com/v1/ServiceMonitor":            func() any { return new(monitoring.ServiceMonitor) },
	"monitoring.coreos.com/v1/PodMonitor":                func() any { return new(monitoring.PodMonitor) },
	"monitoring.coreos.com/v1/PrometheusRule":            func() any { return new(monitoring.PrometheusRule) },
}

// messages are Istio's: Go's own decoding of them ignores what it does not know, so their `spec` is decoded by itself.
var messages = map[string]func() proto.Message{
	"security.istio.io/v1/AuthorizationPolicy": func() proto.Message { return new(security.AuthorizationPolicy) },
	"networking.istio.io/v1alpha3/EnvoyFilter": func() proto.Message { return new(networking.EnvoyFilter) },
}

// builtIn are the groups that another check validates.
var builtIn = map[string]bool{"v1": true, "apps/v1": true, "autoscaling/v2": true, "policy/v1": true, "networking.k8s.io/v1": true}

func main() {
	known, err := definitions(os.Args[1])
	failed := err != nil
	if failed {
		fmt.Fprintln(os.Stderr, err)
	}
	for _, path := range os.Args[2:] {
		if err := file(path, known); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}

func file(path string, known schemas) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	documents := kyaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(content)))
	defer documents.Close()
	var problems error
	for {
		document := make([]byte, len(content))
		read, err := documents.Read(document)
		if errors.Is(err, io.EOF) {
			return problems
		}
		if err != nil {
			return errors.Join(problems, err)
		}
		what, err := decode(document[:read])
		err = errors.Join(err, known.check(what, document[:read]))
		if err != nil {
			problems = errors.Join(problems, fmt.Errorf("%s: %w", what, err))
		} else if what != "" {
			fmt.Println(what)
		}
	}
}

// decode returns what was decoded, or nothing if that is no custom resource.
func decode(document []byte) (string, error) {
	// Strict about keys that are there twice, too.
	object, err := yaml.YAMLToJSONStrict(document)
	if err != nil {
		return "a document", err
	}
	var head struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		MeshConfig json.RawMessage   `json:"meshConfig"`
		Data       map[string]string `json:"data"`
		Metadata   json.RawMessage   `json:"metadata"`
		Spec       json.RawMessage   `json:"spec"`
	}
	if string(object) == "null" {
		return "", nil
	}
	if err := json.Unmarshal(object, &head); err != nil {
		return "a document", err
	}
	name := head.APIVersion + "/" + head.Kind
	if new, known := structs[name]; known {
		return name, strict(object, new())
	}
	if new, known := messages[name]; known {
		return name, message(object, head.Metadata, head.Spec, new())
	}
	if head.Kind == "" && head.MeshConfig != nil {
		return "MeshConfig", protojson.Unmarshal(head.MeshConfig, new(mesh.MeshConfig))
	}
	if inside, there := head.Data["istiod-values.yaml"]; there && head.Kind == "ConfigMap" {
		return decode([]byte(inside))
	}
	if builtIn[head.APIVersion] {
		return "", nil
	}
	return name, errors.New("nobody knows this kind here")
}

func message(object, metadata, spec []byte, into proto.Message) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(object, &fields); err != nil {
		return err
	}
	for field := range fields {
		if !strings.Contains(" apiVersion kind metadata spec ", " "+field+" ") {
			return fmt.Errorf("unknown field %q", field)
		}
	}
	if err := strict(metadata, new(meta.ObjectMeta)); err != nil {
		return err
	}
	if err := protojson.Unmarshal(spec, into); err != nil {
		return err
	}
	if filter, ok := into.(*networking.EnvoyFilter); ok {
		return patches(filter)
	}
	return nil
}

// strict decodes as an API server does: unknown fields are found, and names that differ in case are unknown.
func strict(object []byte, into any) error {
	problems, err := sigsjson.UnmarshalStrict(object, into)
	return errors.Join(append(problems, err)...)
}
