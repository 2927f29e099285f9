// Patch DEPLOYMENT PATCH...: what an API server makes of a Deployment and strategic merge patches, one after another, as JSON.
package main

import (
	"fmt"
	"os"

	apps "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"sigs.k8s.io/yaml"
)

func main() {
	deployment, err := read(os.Args[1])
	for _, path := range os.Args[2:] {
		if err == nil {
			deployment, err = patched(deployment, path)
		}
	}
	if err == nil {
		// What is left of a directive would be a field that nobody knows.
		err = yaml.UnmarshalStrict(deployment, new(apps.Deployment))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(string(deployment))
}

func patched(deployment []byte, path string) ([]byte, error) {
	patch, err := read(path)
	if err != nil {
		return nil, err
	}
	return strategicpatch.StrategicMergePatch(deployment, patch, apps.Deployment{})
}

func read(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return yaml.YAMLToJSONStrict(content)
}
