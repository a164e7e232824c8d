-- Macros that compiled queries call. Addresses are compared as text: a Python function for each row would be sixty times
-- slower, and DuckDB's own address type is an extension that has to be downloaded.

-- DuckDB replaces a macro by its text. Where a macro needs its argument more than once, a lambda holds it, so that nested
-- calls stay short.

-- A number as text, without the .0 of a whole one.
CREATE MACRO number_text(x) AS regexp_replace(CAST(x AS VARCHAR), '\.0$', '');

-- A result that isn't a number (infinite, or the even root of a negative number) is absent.
CREATE MACRO finite(x) AS list_transform([x], lambda v: CASE WHEN isfinite(v) THEN v END)[1];

-- Milliseconds as a time; one outside of the years 1 to 9998 is absent.
CREATE MACRO from_millis(x) AS list_transform(
    [x],
    lambda v: CASE WHEN v BETWEEN -62135596800000 AND 253370764800000 THEN make_timestamp(CAST(v * 1000 AS BIGINT)) END
)[1];

-- The key of natural sorting, which reads a thousand characters (a key takes many times their memory): text before numbers; within text each run of digits by its length, then its digits.
-- Two runs of digits differ in their length, or digit by digit; a run against another character is '0' against it.
-- https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-Sort.html
CREATE MACRO natural_text(x) AS array_to_string(
    list_transform(
        regexp_extract_all(left(x, 1000), '[0-9]+|[^0-9]+'),
        lambda run: CASE WHEN run[1] BETWEEN '0' AND '9' THEN '0' || lpad(CAST(length(run) AS VARCHAR), 8, '0') || run ELSE run END
    ),
    ''
);
CREATE MACRO natural_key(x) AS CASE
    WHEN x IS NULL THEN NULL
    WHEN regexp_full_match(x, '-?[0-9]+(\.[0-9]+)?') THEN row(true, CAST(x AS DOUBLE), '', x)
    ELSE row(false, CAST(0 AS DOUBLE), natural_text(x), x)
END;

-- A regular expression of n numbers from 0 to 255 without leading zeros, separated by dots.
CREATE MACRO ipv4_octets(n) AS
    repeat('(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.', n)[:-3];

CREATE MACRO is_ipv4(x) AS regexp_full_match(coalesce(x, ''), ipv4_octets(4));

-- An IPv6 address as its 32 hexadecimal digits; absent for any other text.
-- https://www.rfc-editor.org/rfc/rfc4291#section-2.2
CREATE MACRO ipv6_undotted(x) AS CASE
    WHEN contains(x, '.') AND is_ipv4(regexp_extract(x, '[^:]*$')) THEN
        regexp_replace(x, '[^:]*$', '') || printf(
            '%x:%x',
            CAST(split_part(regexp_extract(x, '[^:]*$'), '.', 1) AS INTEGER) * 256
                + CAST(split_part(regexp_extract(x, '[^:]*$'), '.', 2) AS INTEGER),
            CAST(split_part(regexp_extract(x, '[^:]*$'), '.', 3) AS INTEGER) * 256
                + CAST(split_part(regexp_extract(x, '[^:]*$'), '.', 4) AS INTEGER)
        )
    ELSE lower(x)
END;
CREATE MACRO ipv6_filled(x) AS CASE
    WHEN regexp_matches(x, '^:[^:]|[^:]:$|:::|::.*::') THEN ''
    WHEN contains(x, '::') AND len(regexp_extract_all(x, '[^:]+')) < 8 THEN
        trim(replace(x, '::', ':' || repeat('0:', 8 - len(regexp_extract_all(x, '[^:]+')))), ':')
    ELSE x
END;
CREATE MACRO ipv6_digits(x) AS list_transform(
    list_transform(list_transform([x], lambda a: ipv6_undotted(a)), lambda b: ipv6_filled(b)),
    lambda c: CASE
        WHEN regexp_full_match(c, '([0-9a-f]{1,4}:){7}[0-9a-f]{1,4}') THEN
            array_to_string(list_transform(string_split(c, ':'), lambda word: lpad(word, 4, '0')), '')
    END
)[1];
