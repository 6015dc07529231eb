package sql

import (
	"regexp"
	"strings"
)

// regexMatch is REGEXMATCH(text, pattern [, modifiers]). The service takes Perl patterns; here they are those of
// package regexp, and a pattern with look-around or back references is refused.
func regexMatch(f *frame, a []value) value {
	modifiers := ""
	if len(a) == 3 {
		if a[2].kind != kindString {
			return undefined
		}
		modifiers = string(a[2].bytes())
	}
	if !kinds(a, kindString, kindString) || strings.Trim(modifiers, "msix") != "" {
		return undefined
	}
	re, err := f.compileRegex(string(a[1].bytes()), modifiers)
	if err != nil {
		return f.fail(errorAt(Unsupported, 0, 0, "The regular expression is invalid or not supported: %v.", err))
	}
	return boolean(re.Match(a[0].bytes()))
}

// mostRegexes bounds the patterns one run remembers: they may come from documents.
const mostRegexes = 100

func (f *frame) compileRegex(pattern, modifiers string) (*regexp.Regexp, error) {
	key := modifiers + "/" + pattern
	if re, ok := f.regex[key]; ok {
		return re, nil
	}
	if strings.Contains(modifiers, "x") {
		pattern = withoutSpace(pattern)
	}
	if flags := strings.ReplaceAll(modifiers, "x", ""); flags != "" {
		pattern = "(?" + flags + ")" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	if f.regex == nil || len(f.regex) >= mostRegexes {
		f.regex = map[string]*regexp.Regexp{}
	}
	f.regex[key] = re
	return re, nil
}

// withoutSpace drops the white space that the modifier x makes meaningless: all of it but what is escaped or
// stands in a bracket.
func withoutSpace(pattern string) string {
	var b strings.Builder
	bracket, escaped := false, false
	for _, r := range pattern {
		switch {
		case escaped:
			escaped = false
		case r == '\\':
			escaped = true
		case r == '[':
			bracket = true
		case r == ']':
			bracket = false
		case !bracket && strings.ContainsRune(" \t\n\r\v\f", r):
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
