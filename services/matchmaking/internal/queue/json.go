package queue

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"supergame/services/platform/fault"
)

// Duration is a time span that JSON writes in seconds, "1.5s", and reads in any unit, "1500ms".
type Duration time.Duration

// numbered names the one of several equal teams.
func numbered(name string, i int) string { return name + "-" + strconv.Itoa(i+1) }

// MarshalJSON writes seconds.
func (d Duration) MarshalJSON() ([]byte, error) {
	n := int64(d)
	sign := ""
	if n < 0 {
		sign = "-"
	}
	// The absolute value, also of the smallest number, which has no positive counterpart.
	absolute := uint64(n)
	if n < 0 {
		absolute = -absolute
	}
	text := sign + strconv.FormatUint(absolute/1e9, 10)
	if part := absolute % 1e9; part != 0 {
		text += "." + string(bytes.TrimRight(fmt.Appendf(nil, "%09d", part), "0"))
	}
	return json.Marshal(text + "s")
}

// UnmarshalJSON reads what time.ParseDuration reads.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("a time span is written like \"30s\": %w", err)
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("a time span is written like \"30s\": %w", err)
	}
	*d = Duration(parsed)
	return nil
}

// MarshalJSON writes a constant as a number, straight lines as a list of points, steps as {"steps": [...]}.
func (c Curve) MarshalJSON() ([]byte, error) {
	switch {
	case c.Steps:
		return json.Marshal(map[string][]Point{"steps": c.Points})
	case len(c.Points) == 1 && c.Points[0].After == 0:
		return json.Marshal(c.Points[0].Limit)
	}
	return json.Marshal(c.Points)
}

// UnmarshalJSON reads the three forms.
func (c *Curve) UnmarshalJSON(text []byte) error {
	text = bytes.TrimSpace(text)
	switch {
	case len(text) > 0 && text[0] == '[':
		*c = Curve{}
		return strict(text, &c.Points)
	case len(text) > 0 && text[0] == '{':
		var form struct {
			Steps []Point `json:"steps"`
		}
		if err := strict(text, &form); err != nil {
			return err
		}
		*c = Curve{Steps: true, Points: form.Steps}
		return nil
	}
	var limit float64
	if err := json.Unmarshal(text, &limit); err != nil {
		return fmt.Errorf("a limit is a number, a list of points or {\"steps\": points}: %w", err)
	}
	*c = *Constant(limit)
	return nil
}

// strict decodes one JSON value without unknown fields and without anything behind it.
func strict(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the value")
	}
	return nil
}

// Parse reads and validates a definition. Unknown fields are refused: a rule that nobody reads would not be kept.
func Parse(text []byte) (Definition, error) {
	var d Definition
	if err := strict(text, &d); err != nil {
		return Definition{}, fault.Invalid("", "not a definition of a queue: %v", err)
	}
	if err := d.Validate(); err != nil {
		return Definition{}, err
	}
	return d, nil
}

// JSON writes the definition as [Parse] reads it.
func (d *Definition) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("writing queue %s: %w", d.ID, err)
	}
	return append(text, '\n'), nil
}

// finite reports whether a number can be reckoned with and written down.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
