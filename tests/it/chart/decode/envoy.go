package main

import (
	"fmt"

	_ "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/header_mutation/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/encoding/protojson"
	networking "istio.io/api/networking/v1alpha3"
)

// patches decodes what an EnvoyFilter puts into Envoy's configuration, which Istio's own types leave open. Istio hands it to
// Envoy as it is, and an Envoy that cannot read it keeps the configuration that it had before.
func patches(filter *networking.EnvoyFilter) error {
	for _, patch := range filter.GetConfigPatches() {
		if patch.GetApplyTo() != networking.EnvoyFilter_HTTP_FILTER {
			return fmt.Errorf("nobody knows how to decode a patch of %s here", patch.GetApplyTo())
		}
		value, err := protojson.Marshal(patch.GetPatch().GetValue())
		if err != nil {
			return err
		}
		var decoded hcm.HttpFilter
		if err := protojson.Unmarshal(value, &decoded); err != nil {
			return err
		}
		if err := decoded.ValidateAll(); err != nil {
			return err
		}
		typed, err := decoded.GetTypedConfig().UnmarshalNew()
		if err != nil {
			return err
		}
		if checked, ok := typed.(interface{ ValidateAll() error }); ok {
			if err := checked.ValidateAll(); err != nil {
				return err
			}
		}
	}
	return nil
}
