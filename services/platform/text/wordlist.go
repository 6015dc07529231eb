package text

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A WordList finds words that may not stand in a text, also where they are disguised. It is safe for concurrent use.
//
// It is compiled from lines:
//
//	# a comment
//	[slurs]       the category of the lines that follow, a-z 0-9 _ -
//	word          as a word of its own: not in "password", nor in "words"
//	word*         where a word begins with it
//	*word         where a word ends with it
//	*word*        anywhere
//	two words     one behind the other, with anything but letters between them
//
// What a text is read as:
//   - Letters are compared by what they look like: case, accents, width and style do not matter, a letter of another script stands for
//     the Latin one that it looks like (see [Skeleton]), and l, I, 1, | and ! for each other where one is taken for the other.
//   - Digits and signs also stand for letters: 0 o, 1 i or l, 2 z, 3 e, 4 a, 5 s, 6 g, 7 t, 8 b, 9 g, @ a, $ s, ! i or l, | i or l, + t, ( c, < c,
//     ¢ c, € e, £ l, ¥ y, and * any vowel. At least one letter must be one, so "455" is a number.
//   - A letter may be repeated: "wooord" has "word", though "word" has no "woord".
//   - Marks and characters that do not show are not there.
//   - Signs, digits and emoji between letters are skipped: "w.o-r_d", "w1o1r1d". So are blanks beside a single letter, "w o r d" and "w ord",
//     but "wo rd" is two words: where two or more letters stand on either side of a blank nobody can tell "pen is" from one word.
//   - A word also begins and ends inside of one: where a capital letter follows a small one, at two or more digits, and beside letters of a
//     script that does not look like Latin.
//
// It does not see letters that are made of two (rn for m, vv for w), words that are written backwards or upside down, or what a text means.
//
// The time to match grows with the length of the text alone, once a list is given.
type WordList struct {
	nodes      []node
	categories []string
	scratch    sync.Pool
}

// Limits of a list.
const (
	maxEntries    = 50_000
	maxEntryBytes = 256
	maxListBytes  = 4 << 20
	minLetters    = 2 // but for ideographs, which are words
)

// The two roots: words that begin where a word begins, and words that begin anywhere.
const (
	rootWord = iota
	rootAnywhere
	roots
)

// node is a prefix of entries.
type node struct {
	self  rune           // the letter that leads here; 0 for a root, and behind a break between words
	next  map[rune]int32 // by letter
	gap   int32          // behind a break between words; 0 = there is none
	whole int32          // 1 + the category of the entry that ends here, and must end a word; 0 = there is none
	open  int32          // the same of one that may go on
}

//go:embed words.txt
var defaultWords string

var defaultList = sync.OnceValue(func() *WordList {
	list, err := NewWordList(strings.Split(defaultWords, "\n"))
	if err != nil { // a test compiles it
		panic(err)
	}
	return list
})

// DefaultWordList is the list that is built in: a few dozen English words, a starting point. A game brings its own.
func DefaultWordList() *WordList { return defaultList() }

// ReadWordList compiles a list from a file.
func ReadWordList(r io.Reader) (*WordList, error) {
	limited := &io.LimitedReader{R: r, N: maxListBytes + 1}
	var lines []string
	scanner := bufio.NewScanner(limited)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		return nil, err
	}
	if limited.N == 0 {
		return nil, fmt.Errorf("the list has more than %d bytes", maxListBytes)
	}
	return NewWordList(lines)
}

// NewWordList compiles a list. Its errors name the line, from 1 on.
func NewWordList(lines []string) (*WordList, error) {
	w := &WordList{nodes: make([]node, roots), categories: []string{"words"}}
	var problems []error
	entries := 0
	for i, line := range lines {
		if i == 0 {
			line = strings.TrimPrefix(line, "\ufeff")
		}
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		err := w.addLine(line)
		if entries++; err == nil && entries > maxEntries {
			return nil, fmt.Errorf("the list has more than %d entries", maxEntries)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", i+1, err))
		}
	}
	w.scratch.New = func() any { return &scratch{added: map[state]struct{}{}} }
	return w, errors.Join(problems...)
}

func (w *WordList) addLine(line string) error {
	if len(line) > maxEntryBytes || !utf8.ValidString(line) {
		return fmt.Errorf("is longer than %d bytes, or not UTF-8", maxEntryBytes)
	}
	if name, isCategory := strings.CutPrefix(line, "["); isCategory {
		name, closed := strings.CutSuffix(name, "]")
		if !closed || name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
			return fmt.Errorf("%q is not a category like [slurs]", line)
		}
		w.categories = append(w.categories, name)
		return nil
	}
	return w.addEntry(line)
}

func (w *WordList) addEntry(line string) error {
	word, anywhere := strings.CutPrefix(line, "*")
	word, open := strings.CutSuffix(word, "*")
	letters, err := spell(strings.TrimSpace(word))
	if err != nil {
		return err
	}
	at := int32(rootWord)
	if anywhere {
		at = rootAnywhere
	}
	for _, letter := range letters {
		at = w.child(at, letter)
	}
	category := int32(len(w.categories)) //nolint:gosec // there are at most as many as entries
	switch n := &w.nodes[at]; {
	case open && n.open == 0:
		n.open = category
	case !open && n.whole == 0:
		n.whole = category
	}
	return nil
}

// gapLetter stands for a break between words in an entry that is spelled.
const gapLetter = ' '

// spell gives the letters of an entry.
func spell(word string) ([]rune, error) {
	for _, r := range word {
		if !unicode.In(r, unicode.L, unicode.M, unicode.N) && !unicode.IsSpace(r) && !hidden(r) {
			return nil, fmt.Errorf("%q has %q, which is no letter, digit or blank", word, r)
		}
	}
	var letters []rune
	count := 0
	for _, g := range read(word) {
		switch {
		case g.strict || g.foreign:
			letters, count = append(letters, g.options[0]), count+1
			if unicode.Is(unicode.Han, g.options[0]) {
				count += minLetters
			}
		case g.raw >= '0' && g.raw <= '9': // a digit of an entry is that digit
			letters, count = append(letters, g.raw), count+1
		default:
			letters = append(letters, gapLetter)
		}
	}
	if count < minLetters {
		return nil, fmt.Errorf("%q has fewer than %d letters", word, minLetters)
	}
	return letters, nil
}

// child returns the node behind a letter, a new one where there is none.
func (w *WordList) child(at int32, letter rune) int32 {
	fresh := int32(len(w.nodes)) //nolint:gosec // bounded by maxEntries * maxEntryBytes
	n := &w.nodes[at]
	if letter == gapLetter {
		if n.gap == 0 {
			n.gap = fresh
			w.nodes = append(w.nodes, node{})
			return fresh
		}
		return n.gap
	}
	if known, ok := n.next[letter]; ok {
		return known
	}
	if n.next == nil {
		n.next = map[rune]int32{}
	}
	n.next[letter] = fresh
	w.nodes = append(w.nodes, node{self: letter})
	return fresh
}

// Match returns the category of a word of the list that stands in the text: "words" for one that stands above every category.
func (w *WordList) Match(text string) (category string, found bool) {
	s := w.scratch.Get().(*scratch)
	defer w.scratch.Put(s)
	s.reset()
	if hit := w.run(s, read(text)); hit > 0 {
		return w.categories[hit-1], true
	}
	return "", false
}
