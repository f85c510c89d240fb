import Results
import Testing

@Suite struct FormatTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (1000, "1,000"), (266_610, "266,610"), (138_357_544, "138,357,544"), (-1234, "−1,234"),
    (Int.min, "−9,223,372,036,854,775,808"),
  ])
  func counts(value: Int, expected: String) { #expect(Format.count(value) == expected) }

  @Test(arguments: [
    (266_200, "266,200"), (9_999_999, "9,999,999"), (313_201_664, "313 M"), (15_470_264_320, "15.5 G"), (999_600_000, "1.00 G"),
  ])
  func large(value: Int, expected: String) { #expect(Format.large(value) == expected) }

  @Test(arguments: [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (1_066_440, "1.07 MB"), (999_949, "1.00 MB"), (512_000_000, "512 MB")])
  func bytes(value: Int, expected: String) { #expect(Format.bytes(value) == expected) }

  @Test(arguments: [
    (0, "0 s"), (8.31e-5, "83.1 µs"), (2.5e-10, "0.250 ns"), (9.996e-4, "1.00 ms"), (0.012_34, "12.3 ms"), (1.24, "1.24 s"),
    (59.9, "59.9 s"),
    (59.96, "1 min 00 s"), (125.4, "2 min 05 s"), (3599.6, "1 h 00 min"), (3725, "1 h 02 min"), (-1, "–"), (.nan, "–"),
    (Double.infinity, "–"),
  ])
  func durations(value: Double, expected: String) { #expect(Format.duration(value) == expected) }

  @Test func fractions() {
    #expect(Format.percent(0.9752) == "97.52 %")
    #expect(Format.percent(1, digits: 0) == "100 %")
    #expect(Format.points(-0.0072) == "−0.72 points")
    #expect(Format.points(0.0123) == "+1.23 points")
    #expect(Format.points(-0.000_01) == "±0.00 points")
    #expect(Format.ratio(0.563) == "0.56×")
    #expect(Format.ratio(0.0123) == "0.012×")
    #expect(Format.ratio(1) == "1.00×")
    #expect(Format.ratio(nil) == "–")
    #expect(Format.ratio(.nan) == "–")
    #expect(Format.ratio(0) == "0×")
  }

  @Test(arguments: [
    (9.996, "10.0"), (99.95, "100"), (0.012_34, "0.0123"), (0.000_12, "1.20e-04"), (120.0, "120"), (1.2e-6, "1.20e-06"),
    (-3.14159, "−3.14"), (0.0, "0"),
  ])
  func significantDigits(value: Double, expected: String) { #expect(Format.significant(value, 3) == expected) }

  @Test func fixedDigitsHaveNoNegativeZero() {
    #expect(Format.fixed(-0.0001, 2) == "0.00")
    #expect(Format.fixed(-1.005, 1) == "−1.0")
  }

  @Test func tablesAlign() {
    var table = TextTable(alignments: [.left, .right], header: ["layer", "units"])
    table.append(["fc1", "300"])
    table.append([])
    table.append(["classifier", "10"])
    #expect(
      table.text == """
        layer       units
        fc1           300

        classifier     10

        """)
  }

  @Test func wordsWrap() {
    #expect(TextTable.wrapped("one two three four", width: 9, indent: 2) == "one two\n  three\n  four")
    #expect(TextTable.wrapped("incomprehensibilities", width: 5) == "incomprehensibilities")
    #expect(TextTable.wrapped("", width: 5) == "")
  }
}
