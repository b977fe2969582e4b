//go:build !wasip1

package sandgate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type shared struct {
	Mode string `json:"mode" enum:"mask,drop" doc:"What becomes of it."`
}

type everything struct {
	shared
	Limit   uint32            `json:"limit" min:"1" max:"10"`
	Share   float64           `json:"share"`
	Words   []string          `json:"words" minItems:"1"`
	None    []int             `json:"none"`
	Names   map[string]int    `json:"names"`
	Deep    struct{ On bool } `json:"deep"`
	Key     string            `json:"key" required:"true" minLength:"8" pattern:"^k"`
	Maybe   *int              `json:"maybe"`
	Since   time.Time         `json:"since"`
	Bytes   []byte            `json:"bytes"`
	Free    any               `json:"free"`
	Ignored int               `json:"-"`
	private int
}

func TestTheSchemaSaysWhatTheStructItsTagsAndItsDefaultsSay(t *testing.T) {
	defaults, _ := json.Marshal(everything{shared: shared{"mask"}, Limit: 3, Words: []string{"a"}})
	made, err := json.Marshal(declared[everything]{defaults: defaults}.schema())
	if err != nil {
		t.Fatal(err)
	}
	wanted := `{"type":"object","additionalProperties":false,"properties":{` +
		`"mode":{"type":"string","description":"What becomes of it.","enum":["mask","drop"],"default":"mask"},` +
		`"limit":{"type":"integer","minimum":1,"maximum":10,"default":3},` +
		`"share":{"type":"number","default":0},` +
		`"words":{"type":"array","items":{"type":"string"},"minItems":1,"default":["a"]},` +
		`"none":{"type":"array","items":{"type":"integer"}},` +
		`"names":{"type":"object","additionalProperties":{"type":"integer"}},` +
		`"deep":{"type":"object","additionalProperties":false,"properties":{"On":{"type":"boolean","default":false}},"default":{"On":false}},` +
		`"key":{"type":"string","minLength":8,"pattern":"^k"},` +
		`"maybe":{"type":"integer"},` +
		`"since":{"default":"0001-01-01T00:00:00Z"},` +
		`"bytes":{"type":"string"},` +
		`"free":{}},` +
		`"required":["key"]}`
	if string(made) != wanted {
		t.Errorf("\n%s\n%s", made, wanted)
	}
}

func TestTheManifestIsWrittenFromTheSourceAndKeepsWhatIsTheAuthors(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "plugin.toml")
	hooks := []*table{{preCall, validation, []string{"tools/call", "x"}}, {postCall, mutation, []string{"*"}}}
	declares := declared[shared]{defaults: []byte(`{"mode":"mask"}`)}
	written := func(before string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := writeManifest(folder, hooks, declares); err != nil {
			t.Fatal(err)
		}
		after, _ := os.ReadFile(path)
		return string(after)
	}
	tables := "\n[hooks.pre-call]\ntype = \"validation\"\nevents = [\"tools/call\", \"x\"]\n\n[hooks.post-call]\ntype = \"mutation\"\nevents = [\"*\"]\n"
	limits := "\n[limits]\n# Mine.\nmemory = \"1MiB\"\n"
	after := written("name = \"n\"\n\n[hooks.pre-call]\ntype = \"mutation\"\nevents = []\n" + limits)
	if wanted := "name = \"n\"\nsettings = \"settings.schema.json\"\n" + limits + tables; after != wanted {
		t.Errorf("%s\n---\n%s", after, wanted)
	}
	if again := written(after); again != after {
		t.Errorf("written again: %s", again)
	}
	schema, _ := os.ReadFile(filepath.Join(folder, "settings.schema.json"))
	if !strings.Contains(string(schema), "    \"mode\": {\n") || !strings.HasSuffix(string(schema), "}\n") {
		t.Errorf("%s", schema)
	}
	os.Remove(filepath.Join(folder, "settings.schema.json"))
	for _, own := range []string{"settings = \"mine.json\"\n", "\n[settings]\ntype = \"object\"\n", "settings.type = \"object\"\n"} {
		if after := written("name = \"n\"\n" + own); !strings.Contains(after, own) || strings.Contains(after, "settings.schema.json") {
			t.Error(after)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "settings.schema.json")); err == nil {
		t.Error("an author's own schema stays the only one")
	}
	if err := writeManifest(folder, nil, declares); err == nil || !strings.Contains(err.Error(), "no hook") {
		t.Error(err)
	}
}
