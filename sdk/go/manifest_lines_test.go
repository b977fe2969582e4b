//go:build !wasip1

package sandgate

import (
	"os"
	"strings"
	"testing"
)

func TestTheManifestSaysTheSameOfTheHooksAsTheSource(t *testing.T) {
	t.Chdir(t.TempDir())
	before := plugin.hooks
	defer func() { plugin.hooks = before }()
	plugin.hooks = []*Hook{{kind: preCall, role: validation, events: []string{"tools/call", "prompts/get"}}}
	for manifest, says := range map[string]string{
		"[hooks.pre-call]\ntype = \"validation\"\nevents = [\"prompts/get\", \"tools/call\"]\n": "",
		"[hooks.pre-call]\ntype = \"mutation\"\nevents = [\"prompts/get\", \"tools/call\"]\n":   "`go run . manifest --write` puts it right",
		"[hooks.pre-call]\ntype = \"validation\"\nevents = [\"tools/call\"]\n":                  `type "validation", events ["tools/call" "prompts/get"]`,
		"[hooks.pre-call]\ntype = \"validation\"\nevents = [\"prompts/get\", \"tools/call\"]\n[hooks.post-call]\n": "has [hooks.post-call], and the source registers none",
		"[hooks.post-call]\ntype = \"mutation\"\nevents = [\"tools/call\"]\n":                                     "`go run . manifest --write` puts it right",
		// Left to the build.
		"[hooks.pre-call]\ntype = 'mutation'\nevents = [\n]\n": "",
		"name = \"x\"\n": "",
	} {
		if err := os.WriteFile(manifestFile, []byte(manifest), 0o666); err != nil {
			t.Fatal(err)
		}
		err := manifestHere().differs()
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s%v", manifest, err)
		}
	}
	for manifest, asks := range map[string]bool{
		"[asks]\nstate = \"why\"\n": true, "asks.state = \"why\"\n": true, "asks = { state = \"why\" }\n": true, "[asks.state]\n": true,
		"[asks]\nhttp.hosts = []\n": false, "[limits]\nstate = 1\n": false, "": false,
	} {
		if err := os.WriteFile(manifestFile, []byte(manifest), 0o666); err != nil {
			t.Fatal(err)
		}
		if manifestHere().asksFor("state") != asks {
			t.Error(manifest)
		}
	}
}
