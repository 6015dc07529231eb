package sql

import "testing"

// Each group names its pages under learn.microsoft.com/azure/cosmos-db/nosql/query; the examples are those of the pages,
// then come the edges.

// is-array, is-bool, is-defined, is-finite-number, is-integer, is-null, is-number, is-object, is-primitive, is-string, is-datetime
func TestTypeFunctions(t *testing.T) {
	values := []string{"undefined", "null", "true", "1.5", "'s'", "[1]", "{a: 1}"}
	for fn, want := range map[string]string{
		"IS_DEFINED": "-******", "IS_NULL": "-*-----", "IS_BOOL": "--*----", "IS_NUMBER": "---*---", "IS_STRING": "----*--",
		"IS_ARRAY": "-----*-", "IS_OBJECT": "------*", "IS_PRIMITIVE": "-****--", "IS_FINITE_NUMBER": "---*---", "IS_INTEGER": "-------",
		"is_datetime": "-------",
	} {
		for i, v := range values {
			is := "false"
			if want[i] == '*' {
				is = "true"
			}
			evaluates(t, [][2]string{{fn + "(" + v + ")", is}})
		}
	}
	evaluates(t, [][2]string{
		{"IS_INTEGER(3454.123)", "false"}, {"IS_INTEGER(5523432)", "true"}, {"IS_INTEGER(-9223372036854775808)", "true"},
		{"IS_INTEGER(9223372036854775807)", "true"}, {"IS_INTEGER(18446744073709551615)", "false"},
		{"IS_DATETIME('2023-03-06')", "true"}, {"IS_DATETIME('2023-03-06Z')", "true"}, {"IS_DATETIME('2023-03-06 15:29:00Z')", "true"},
		{"IS_DATETIME('2023-03-06T15:29:59')", "true"}, {"IS_DATETIME('2023-03-06T15:29:59.9')", "true"},
		{"IS_DATETIME('2023-03-06T15:29:59.1234567Z')", "true"}, {"IS_DATETIME('2023-03-06T15:29:59.12345678Z')", "false"},
		{"IS_DATETIME('2023-03-06T15:29:59.')", "false"}, {"IS_DATETIME('2023-03-06x15:29:59')", "false"}, {"IS_DATETIME('2023-02-30')", "false"},
		{"IS_DATETIME('2023-3-6')", "false"}, {"IS_DATETIME('2023-03-06T25:00:00')", "false"}, {"IS_DATETIME('2023-03-06T15:29')", "false"},
	})
}

// concat, contains, endswith, index-of, left, length, lower, ltrim, replace, replicate, reverse, right, rtrim, startswith,
// stringequals, substring, trim, upper, lastindexof, stringjoin, stringsplit, contains-any-ci
func TestStringFunctions(t *testing.T) {
	evaluates(t, [][2]string{
		{"CONCAT('a', 'b', 'c')", `"abc"`}, {"CONCAT('a', 1)", "undefined"}, {"CONCAT('a', undefined)", "undefined"},
		{"CONTAINS('abc', 'b')", "true"}, {"CONTAINS('abc', 'B')", "false"}, {"CONTAINS('abc', 'B', true)", "true"}, {"CONTAINS('abc', 'B', false)", "false"},
		{"CONTAINS('abc', 1)", "undefined"}, {"CONTAINS('abc', '')", "true"}, {"CONTAINS('abc', 'b', 1)", "undefined"},
		{"STARTSWITH('abc', 'ab')", "true"}, {"STARTSWITH('abc', 'AB', true)", "true"}, {"ENDSWITH('abc', 'bc')", "true"}, {"ENDSWITH('abc', 'BC')", "false"},
		{"StringEquals('abc', 'aBC')", "false"}, {"StringEquals('abc', 'aBC', true)", "true"}, {"STRINGEQUALS(1, 'a')", "undefined"},
		{"INDEX_OF('AdventureWorks', 'A')", "0"}, {"INDEX_OF('AdventureWorks', 's')", "13"}, {"INDEX_OF('AdventureWorks', 'tureW')", "5"},
		{"INDEX_OF('AdventureWorks', 'Cosmos')", "-1"}, {"INDEX_OF('AdventureWorks', 'Works', 5)", "9"}, {"INDEX_OF('AdventureWorks', 'Adventure', 5)", "-1"},
		{"INDEX_OF('AdventureWorks', 'aD')", "-1"}, {"INDEX_OF('éa', 'a')", "1"}, {"LASTINDEXOF('abab', 'ab')", "2"}, {"LASTINDEXOF('abab', 'x')", "-1"},
		{"LEFT('AdventureWorks', 0)", `""`}, {"LEFT('AdventureWorks', 5)", `"Adven"`}, {"LEFT('AdventureWorks', 100)", `"AdventureWorks"`}, {"LEFT('abc', 1.5)", "undefined"},
		{"RIGHT('AdventureWorks', 5)", `"Works"`}, {"RIGHT('abc', 0)", `""`}, {"RIGHT('abc', 9)", `"abc"`}, {"RIGHT('aé', 1)", `"é"`},
		{"SUBSTRING('AdventureWorks', 0, 9)", `"Adventure"`}, {"SUBSTRING('AdventureWorks', 9, 5)", `"Works"`}, {"SUBSTRING('AdventureWorks', 0, -1)", `""`},
		{"SUBSTRING('abc', -1, 2)", `""`}, {"SUBSTRING('abc', 9, 2)", `""`}, {"SUBSTRING('aéc', 1, 1)", `"é"`}, {"SUBSTRING('abc', 1, 1000000000000)", `"bc"`},
		{"LENGTH('AdventureWorks')", "14"}, {"LENGTH('é😀')", "2"}, {"LENGTH(1)", "undefined"}, {"LENGTH('')", "0"},
		{"LOWER('AdÉ')", `"adé"`}, {"UPPER('adé')", `"ADÉ"`}, {"LOWER(1)", "undefined"}, {"REVERSE('aé😀')", `"😀éa"`},
		{"LTRIM('   abc   ')", `"abc   "`}, {"LTRIM('abc', 'ab')", `"c"`}, {"LTRIM('abc', 'abc')", `""`}, {"RTRIM('  abc ')", `"  abc"`},
		{"TRIM('   AdventureWorks   ')", `"AdventureWorks"`}, {"TRIM('---AdventureWorks---')", `"---AdventureWorks---"`},
		{"TRIM('___AdventureWorks___', '_')", `"AdventureWorks"`}, {"TRIM('-- AdventureWorks --', '-')", `" AdventureWorks "`}, {"TRIM('-_-AdventureWorks-_-', '-_')", `"AdventureWorks"`},
		{"REPLACE('aXbX', 'X', 'yy')", `"ayybyy"`}, {"REPLACE('a', '', 'x')", "undefined"}, {"REPLICATE('Cosmic', 3)", `"CosmicCosmicCosmic"`},
		{"REPLICATE('a', -1)", "undefined"}, {"REPLICATE('a', 10001)", "undefined"}, {"REPLICATE('a', NaN)", "undefined"}, {"REPLICATE('', 1000000)", `""`},
		{"StringJoin(['Iropa', 'Mountain', 'Bike'], ' ')", `"Iropa Mountain Bike"`}, {"StringJoin(['a'], undefined)", "undefined"}, {"StringJoin(['6', '7'], 'A')", `"6A7"`},
		{"StringJoin([1], '')", "undefined"}, {"StringSplit('Handlebar', 'e')", `["Handl","bar"]`}, {"StringSplit('xenmoun mountain bike', 'moun')", `["xen"," ","tain bike"]`},
		{"StringSplit('Helmet', '')", `["Helmet"]`}, {"StringSplit('', '')", `[""]`}, {"StringSplit('a', undefined)", "undefined"},
		{"CONTAINS_ANY_CI('Road Bike', 'BIKE', 'x')", "true"}, {"CONTAINS_ANY_CS('Road Bike', 'BIKE', 'x')", "false"},
		{"CONTAINS_ALL_CI('Road Bike', 'BIKE', 'road')", "true"}, {"CONTAINS_ALL_CS('Road Bike', 'Bike', 'road')", "false"},
		{"CONTAINS_ANY_CS('a', 'x', 1)", "undefined"}, {"CONTAINS_ANY_CS('a', 1, 'a')", "true"},
	})
}

// regexmatch
func TestRegexMatch(t *testing.T) {
	evaluates(t, [][2]string{
		{"RegexMatch('abcd', 'ABC')", "false"}, {"RegexMatch('abcd', 'ABC', 'i')", "true"}, {"RegexMatch('abcd', 'ab.', '')", "true"},
		{"RegexMatch('abcd', 'ab c', 'x')", "true"}, {"RegexMatch('abcd', 'aB c', 'ix')", "true"}, {"RegexMatch('03a', '[0-9]')", "true"},
		{"RegexMatch('salt3824908', 'salt{1}')", "true"}, {"RegexMatch('shame', 's....', 'i')", "true"},
		{"RegexMatch('a', 'a', 'q')", "undefined"}, {"RegexMatch(1, 'a')", "undefined"}, {"RegexMatch('a b', 'a[ ]b', 'x')", "true"},
	})
	fails(t, "SELECT VALUE RegexMatch('aa', '(?=a)')", Unsupported, "regular expression")
}

// tostring, stringtoarray, stringtoboolean, stringtonull, stringtonumber, stringtoobject
func TestConversions(t *testing.T) {
	evaluates(t, [][2]string{
		{"ToString(125)", `"125"`}, {"ToString(0.1234)", `"0.1234"`}, {"ToString(false)", `"false"`}, {"ToString([1, 2, 3])", `"[1,2,3]"`},
		{"ToString({'department': 'Bicycles'})", `"{\"department\":\"Bicycles\"}"`}, {"ToString('Hello World')", `"Hello World"`},
		{"ToString(undefined)", "undefined"}, {"ToString(null)", `"null"`},
		{"StringToNumber('100')", "100"}, {"StringToNumber('3.14')", "3.14"}, {"StringToNumber('   60   ')", "60"},
		{"StringToNumber('-1.79769e+308')", "-1.79769e+308"}, {"StringToNumber('Hello')", "undefined"}, {"StringToNumber(1)", "undefined"}, {"StringToNumber('1 2')", "undefined"},
		{"StringToBoolean('true')", "true"}, {"StringToBoolean('    false')", "false"}, {"StringToBoolean('TRUE')", "undefined"}, {"StringToBoolean('null')", "undefined"}, {"StringToBoolean(true)", "undefined"},
		{"StringToNull('null')", "null"}, {"StringToNull(' null ')", "null"}, {"StringToNull('NULL')", "undefined"},
		{"StringToArray('[]')", "[]"}, {`StringToArray("[\"str\",2,3]")`, `["str",2,3]`}, {`StringToArray('[[\"5\",\"6\"],[\"8\"]]')`, `[["5","6"],["8"]]`},
		{`StringToArray("['5','6','7']")`, "undefined"}, {"StringToArray('[')", "undefined"}, {"StringToArray('1')", "undefined"}, {"StringToArray(NaN)", "undefined"},
		{`StringToObject('{\"a\": [1]}')`, `{"a":[1]}`}, {"StringToObject('{')", "undefined"},
	})
	expect(t, "SELECT VALUE ToString(c) FROM c", []string{`{ "a" : 1.0, "b": [ "x" , 1e3 ] }`}, `["{\"a\":1,\"b\":[\"x\",1000]}"]`)
}

// array-concat, array-contains, array-contains-all, array-contains-any, array-length, array-slice, array-avg, array-max,
// array-median, array-min, array-sum, choose, iif, objecttoarray, setintersect, setunion
func TestArrayFunctions(t *testing.T) {
	evaluates(t, [][2]string{
		{"ARRAY_CONCAT(['a'], ['b', 1], [])", `["a","b",1]`}, {"ARRAY_CONCAT(['a'], 'b')", "undefined"},
		{"ARRAY_CONTAINS(['coats', 'jackets'], 'coats')", "true"}, {"ARRAY_CONTAINS(['coats'], 'hoodies')", "false"},
		{"ARRAY_CONTAINS([{category: 'shirts', color: 'blue'}], {category: 'shirts', color: 'blue'})", "true"},
		{"ARRAY_CONTAINS([{category: 'shirts', color: 'blue'}], {category: 'shirts'})", "false"},
		{"ARRAY_CONTAINS([{category: 'shirts', color: 'blue'}], {category: 'shirts'}, true)", "true"},
		{"ARRAY_CONTAINS([{category: 'shirts', color: 'blue'}], {category: 'shorts', color: 'blue'}, true)", "false"},
		{"ARRAY_CONTAINS([{a: {b: 1, c: 2}}], {a: {b: 1}}, true)", "true"}, {"ARRAY_CONTAINS('x', 'x')", "undefined"}, {"ARRAY_CONTAINS([1], undefined)", "undefined"},
		{"ARRAY_CONTAINS_ANY([1, true, '3', [1,2,3]], 1, true, '3', [1,2,3])", "true"}, {"ARRAY_CONTAINS_ANY([1, 2, 3, 4], 2, 3, 4, 5)", "true"},
		{"ARRAY_CONTAINS_ANY([1, 2, 3, 4], 1, undefined)", "true"}, {"ARRAY_CONTAINS_ANY([1, 2, 3, 4], 5, 6)", "false"},
		{"ARRAY_CONTAINS_ANY([], 1, 2, 3)", "false"}, {"ARRAY_CONTAINS_ANY([1, 2, 3, 4], 5, undefined)", "undefined"},
		{"ARRAY_CONTAINS_ALL([1, true, '3', [1,2,3]], 1, true, '3', [1,2,3])", "true"}, {"ARRAY_CONTAINS_ALL([1, 2, 3, 4], 2, 3, 4, 5)", "false"},
		{"ARRAY_CONTAINS_ALL([1, 2, 3, 4], 1, undefined)", "undefined"}, {"ARRAY_CONTAINS_ALL([], 1)", "false"}, {"ARRAY_CONTAINS_ALL([1, 2, 3, 4], 5, undefined)", "false"},
		{"ARRAY_LENGTH([1, [2, 3]])", "2"}, {"ARRAY_LENGTH('ab')", "undefined"},
		{"ARRAY_SLICE(['a','b','c'], 1)", `["b","c"]`}, {"ARRAY_SLICE(['a','b','c'], 1, 1)", `["b"]`}, {"ARRAY_SLICE(['a','b','c'], -2, 1)", `["b"]`},
		{"ARRAY_SLICE(['a','b','c'], -2, 2)", `["b","c"]`}, {"ARRAY_SLICE(['a','b','c'], 1, 0)", "[]"}, {"ARRAY_SLICE(['a','b','c'], 1, 1000)", `["b","c"]`},
		{"ARRAY_SLICE(['a','b','c'], 1, -100)", "[]"}, {"ARRAY_SLICE(['a','b','c'], -9)", `["a","b","c"]`}, {"ARRAY_SLICE(['a'], 9)", "[]"}, {"ARRAY_SLICE(['a'], 0.5)", "undefined"},
		{"ARRAY_MEDIAN([1, 2, 3, 4])", "2.5"}, {"ARRAY_MEDIAN([1.0, 2.0, 3.3, 4.7, 7.8])", "3.3"}, {"ARRAY_MEDIAN([1, -2.7, 3, -4, undefined])", "-0.8500000000000001"},
		{"ARRAY_MEDIAN(['abc'])", "undefined"}, {"ARRAY_SUM([1, 2.5])", "3.5"}, {"ARRAY_SUM([1, 'a'])", "undefined"}, {"ARRAY_AVG([1, 2])", "1.5"}, {"ARRAY_AVG([])", "undefined"},
		{"ARRAY_MAX([1, 'a', true, null])", `"a"`}, {"ARRAY_MIN([1, 'a', true, null])", "null"}, {"ARRAY_MAX([1, [2]])", "undefined"},
		{"CHOOSE(1, 'abc', 1, true, [1])", `"abc"`}, {"CHOOSE(4, 'abc', 1, true, [1])", "[1]"}, {"CHOOSE(0, 'abc')", "undefined"}, {"CHOOSE(5, 'abc', 1, true, [1])", "undefined"},
		{"IIF(true, 123, 456)", "123"}, {"IIF(false, 123, 456)", "456"}, {"IIF('ABC', 123, 456)", "456"}, {"IIF(undefined, 123, 456)", "456"},
		{"ObjectToArray({a: 1, b: 'x'})", `[{"k":"a","v":1},{"k":"b","v":"x"}]`}, {"ObjectToArray({a: 1}, 'name', 'value')", `[{"name":"a","value":1}]`}, {"ObjectToArray([1])", "undefined"},
		{"SetIntersect([1, 2, 3, 4], [3, 4, 5, 6])", "[3,4]"}, {"SetIntersect([1, 1], [1, 1])", "[1]"}, {"SetUnion([1, 2, 3, 4], [3, 4, 5, 6])", "[1,2,3,4,5,6]"},
		{"SetUnion([1, 2, 'A', 'B'], ['A', 1])", `[1,2,"A","B"]`}, {"SetDifference([1, 2, 2], [1])", "[2]"}, {"SetEqual([1, 2], [2, 1, 1])", "true"}, {"SetEqual([1], [2])", "false"},
		{"SetUnion([1], 1)", "undefined"},
	})
}

// abs, acos ... trunc, and intadd ... intsub
func TestMathFunctions(t *testing.T) {
	evaluates(t, [][2]string{
		{"ABS(-1.5)", "1.5"}, {"ABS('x')", "undefined"}, {"CEILING(62.6)", "63"}, {"FLOOR(-62.6)", "-63"}, {"ROUND(2.5)", "3"}, {"ROUND(-6.5)", "-7"}, {"ROUND(-0.5)", "-1"}, {"ROUND(0.4)", "0"},
		{"TRUNC(-2.4)", "-2"}, {"SIGN(-3)", "-1"}, {"SIGN(0)", "0"}, {"SQRT(9)", "3"}, {"SQUARE(3)", "9"}, {"POWER(2, 10)", "1024"}, {"EXP(0)", "1"},
		{"LOG(5)", "1.6094379124341003"}, {"LOG(2, 10)", "0.3010299956639812"}, {"LOG(8, 2)", "3"}, {"LOG10(100)", "2"}, {"PI()", "3.141592653589793"},
		{"DEGREES(PI() / 2)", "90"}, {"RADIANS(180)", "3.141592653589793"}, {"ATN2(1, 1)", "0.7853981633974483"}, {"ROUND(COT(1) * 1e9)", "642092616"}, {"COS(0)", "1"}, {"SIN(0)", "0"}, {"TAN(0)", "0"},
		{"ACOS(1)", "0"}, {"ASIN(0)", "0"}, {"ATAN(0)", "0"}, {"RAND() >= 0 AND RAND() < 1", "true"},
		{"NumberBin(37.752, 10)", "30"}, {"NumberBin(37.752, 1)", "37"}, {"NumberBin(37.752, 0)", "undefined"}, {"NumberBin(37.752, 0.1)", "37.7"}, {"NumberBin(37.752, 0.01)", "37.75"}, {"NumberBin(37.752)", "37"}, {"NumberBin(37.752, -100)", "100"},
		{"IntAdd(20, 10)", "30"}, {"IntAdd(9223372036854775807, 1)", "-9223372036854775808"}, {"IntAdd(1, 0.5)", "undefined"}, {"IntSub(1, 2)", "-1"}, {"IntMul(5, 2)", "10"},
		{"IntDiv(10, -2)", "-5"}, {"IntDiv(10, 0)", "undefined"}, {"IntDiv(10, 0.1)", "undefined"}, {"IntDiv(-7, 2)", "-3"}, {"IntMod(12, 5)", "2"}, {"IntMod(1, 0)", "undefined"},
		{"IntBitAnd(15, 25)", "9"}, {"IntBitOr(56, 100)", "124"}, {"IntBitXor(56, 100)", "92"}, {"IntBitNot(65)", "-66"}, {"IntBitLeftShift(16, 4)", "256"}, {"IntBitLeftShift(16, 0.4)", "undefined"},
		{"IntBitRightShift(16, 4)", "1"}, {"IntBitLeftShift(1, 64)", "undefined"}, {"IntAdd('1', 2)", "undefined"},
	})
}

// datetimeadd, datetimebin, datetimediff, datetimefromparts, datetimepart, datetimetoticks, datetimetotimestamp,
// getcurrentdatetime and its siblings, tickstodatetime, timestamptodatetime, now, ago, year, month, day
func TestDateFunctions(t *testing.T) {
	evaluates(t, [][2]string{
		{"DateTimeAdd('yyyy', 1, '2020-07-03T00:00:00.0000000')", `"2021-07-03T00:00:00.0000000Z"`}, {"DateTimeAdd('mm', -1, '2020-07-03T00:00:00.0000000')", `"2020-06-03T00:00:00.0000000Z"`},
		{"DateTimeAdd('dd', -1, '2020-07-03')", `"2020-07-02T00:00:00.0000000Z"`}, {"DateTimeAdd('hh', -1, '2020-07-03T00:00:00Z')", `"2020-07-02T23:00:00.0000000Z"`},
		{"DateTimeAdd('ss', 5 * -5, '2020-07-03T00:00:00')", `"2020-07-02T23:59:35.0000000Z"`}, {"DateTimeAdd('month', 1, '2020-01-31')", `"2020-02-29T00:00:00.0000000Z"`},
		{"DateTimeAdd('ns', -100, '2020-01-01')", `"2019-12-31T23:59:59.9999999Z"`}, {"DateTimeAdd('ms', 1500, '2020-01-01')", `"2020-01-01T00:00:01.5000000Z"`},
		{"DateTimeAdd('century', 1, '2020-01-01')", "undefined"}, {"DateTimeAdd('dd', 0.5, '2020-01-01')", "undefined"}, {"DateTimeAdd('dd', 1, 'x')", "undefined"}, {"DateTimeAdd('yyyy', 9000, '2020-01-01')", "undefined"},
		{"DateTimeBin('2021-01-08T18:35:00.0000000', 'dd')", `"2021-01-08T00:00:00.0000000Z"`}, {"DateTimeBin('2021-01-08T18:35:00.0000000', 'hh', 5)", `"2021-01-08T15:00:00.0000000Z"`},
		{"DateTimeBin('2021-01-08T18:35:00.0000000', 'ss')", `"2021-01-08T18:35:00.0000000Z"`}, {"DateTimeBin('2021-01-08T18:35:00.0000000', 'dd', 7)", `"2021-01-07T00:00:00.0000000Z"`},
		{"DateTimeBin('2021-01-08T18:35:00.0000000', 'dd', 7, '1601-01-01T00:00:00.0000000')", `"2021-01-04T00:00:00.0000000Z"`}, {"DateTimeBin('2021-01-08', 'mm')", "undefined"},
		{"DateTimeBin('2021-01-08', 'dd', 0)", "undefined"}, {"DateTimeBin('2021-01-08', 'dd', 1, '1600-01-01')", "undefined"}, {"DateTimeBin('2021-01-08T00:00:00.1234567', 'ns', 1000)", `"2021-01-08T00:00:00.1234560Z"`},
		{"DateTimeDiff('yyyy', '2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000')", "-1"}, {"DateTimeDiff('mm', '2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000')", "-11"},
		{"DateTimeDiff('diffDays', '2019-02-04', '2018-03-05')", "undefined"}, {"DateTimeDiff('hh', '2019-02-04T16:00:00.0000000', '2018-03-05T05:00:00.0000000')", "-8075"},
		{"DateTimeDiff('ss', '2018-03-05T05:00:00.0000000', '2019-02-04T16:00:00.0000000')", "29070000"}, {"DateTimeDiff('day', '2020-01-01T01:02:03.1234527Z', '2020-01-03T01:02:03.1234567Z')", "2"},
		{"DateTimeDiff('yyyy', '2028-01-01T01:02:03.1234527Z', '2020-01-03T01:02:03.1234567Z')", "-8"}, {"DateTimeDiff('hh', '2020-01-01T01:00:00.1234527Z', '2020-01-01T01:59:59.1234567Z')", "0"},
		{"DateTimeDiff('mcs', '2020-01-01T00:00:00.9999999Z', '2020-01-01T00:00:01.0000010Z')", "2"},
		{"DateTimeFromParts(2017, 4, 20)", `"2017-04-20T00:00:00.0000000Z"`}, {"DateTimeFromParts(2017, 4, 20, 13, 15, 20, 3456789)", `"2017-04-20T13:15:20.3456789Z"`},
		{"DateTimeFromParts(2017, 4, 20, 13, 15)", `"2017-04-20T13:15:00.0000000Z"`}, {"DateTimeFromParts(-2000, -1, -1)", "undefined"}, {"DateTimeFromParts(2017, 2, 29)", "undefined"},
		{"DateTimePart('mm', '2016-05-29T08:30:00.1301617')", "5"}, {"DateTimePart('mi', '2016-05-29T08:30:00.1301617')", "30"}, {"DateTimePart('ms', '2016-05-29T08:30:00.1301617')", "130"},
		{"DateTimePart('mcs', '2016-05-29T08:30:00.1301617')", "130161"}, {"DateTimePart('ns', '2016-05-29T08:30:00.1301617')", "130161700"}, {"DateTimePart('x', '2016-05-29')", "undefined"},
		{"DateTimeToTicks('2015-05-19T12:00:00.0000000')", "14320368000000000"}, {"DateTimeToTimestamp('2020-08-13T23:19:54.3Z')", "1597360794300"},
		{"TimestampToDateTime(1597360794300)", `"2020-08-13T23:19:54.3000000Z"`}, {"TimestampToDateTime(-11644473600000)", `"1601-01-01T00:00:00.0000000Z"`}, {"TimestampToDateTime(0.5)", "undefined"},
		{"TicksToDateTime(15973607943000012)", `"2020-08-13T23:19:54.3000012Z"`}, {"TimestampToDateTime(1e18)", "undefined"},
		{"GetCurrentDateTime()", `"2026-03-04T05:06:07.8912345Z"`}, {"GetCurrentTimestampStatic()", "1772600767891"}, {"GetCurrentTicks()", "17726007678912345"},
		{"NOW()", `"2026-03-04T05:06:07.8912345Z"`}, {"NOW('dd', 1)", `"2026-03-05T05:06:07.8912345Z"`}, {"AGO('hh', 6)", `"2026-03-03T23:06:07.8912345Z"`},
		{"YEAR('2020-08-13')", "2020"}, {"MONTH('2020-08-13')", "8"}, {"DAY('2020-08-13')", "13"}, {"DAY(1)", "undefined"},
	})
}

// fulltextcontains, fulltextcontainsall, fulltextcontainsany
func TestFullText(t *testing.T) {
	evaluates(t, [][2]string{
		{"FullTextContains('Azure Cosmos DB Full Text Search', 'search')", "true"}, {"FullTextContains('Not related', 'search')", "false"},
		{"FullTextContains('research', 'search')", "false"}, {"FullTextContains('the full-text search', 'full text')", "true"}, {"FullTextContains(undefined, 'x')", "undefined"},
		{"FullTextContainsAll('red bicycle', 'red', 'bicycle')", "true"}, {"FullTextContainsAll('red car', 'red', 'bicycle')", "false"}, {"FullTextContainsAny('red car', 'red', 'bicycle')", "true"},
	})
}

func TestRefusedFunctions(t *testing.T) {
	fails(t, "SELECT VALUE ST_DISTANCE(1, 2)", Unsupported, "spatial")
	fails(t, "SELECT VALUE VectorDistance([1], [2])", Unsupported, "vector")
	fails(t, "SELECT VALUE FullTextScore('a', 'b')", Unsupported, "full-text ranking")
	fails(t, "SELECT VALUE udf.f(1)", Unsupported, "User-defined functions")
	fails(t, "SELECT VALUE NoSuch(1)", Unsupported, "'NoSuch' is not a recognized built-in function name")
	fails(t, "SELECT VALUE DateTimeFormat('2020-01-01', 'x')", Unsupported, "not supported")
	fails(t, "SELECT VALUE ABS()", Semantic, "requires 1 argument")
	fails(t, "SELECT VALUE CONCAT('a')", Semantic, "at least 2")
	fails(t, "SELECT VALUE CONTAINS('a')", Semantic, "2 to 3")
}
