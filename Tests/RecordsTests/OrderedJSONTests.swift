import Records
import Testing

@Suite struct OrderedJSONTests {
  @Test func keepsTheOrderOfMembersAndEveryValue() throws {
    let text = #"{"b":1,"a":[true,null,-2.5,1e-08],"ü\n\"":{"x":{}},"e":[]}"#
    #expect(try OrderedJSON(parsing: text).line == text)
  }

  @Test func prettyTextRoundTrips() throws {
    let value: OrderedJSON = [
      "z": 1, "a": ["s": "tab\tquote\" slash\\ bell\u{7}", "d": 0.1], "l": .array([1, "x"]),
    ]
    #expect(try OrderedJSON(parsing: value.pretty) == value)
    #expect(value.pretty.hasPrefix("{\n  \"z\": 1,\n  \"a\": {\n    \"s\""))
  }

  @Test func numbersKeepTheirKindAndAllDigits() throws {
    #expect(try OrderedJSON(parsing: "9223372036854775807") == .integer(.max))
    #expect(try OrderedJSON(parsing: "9223372036854775808") == .number(9.223372036854775807e18))
    #expect(try OrderedJSON(parsing: "1.0") == .number(1))
    #expect(try OrderedJSON(parsing: "5e-324") == .number(.leastNonzeroMagnitude))
    #expect(OrderedJSON.number(.infinity).line == "null")
  }

  /// Paths below a long name would take the square of the text; what is short has its place.
  @Test func placesOfManyMembersTakeNoSquareOfTheText() throws {
    let members = (0..<20_000).map { "\"k\($0)\": 1" }.joined(separator: ",")
    let text = "{\"\(String(repeating: "x", count: 200_000))\": {\(members)},\n\"a\": {\"b\": 2}}"
    let document = try JSONDocument(parsing: Array(text.utf8))
    #expect(document.positions.keys.sorted() == ["a", "a.b"])
    #expect(document.positions["a.b"]?.description == "2:7")
  }

  @Test func escapesAreDecoded() throws {
    #expect(try OrderedJSON(parsing: #""\u00e9\ud83d\ude00\/\b""#) == .string("é😀/\u{8}"))
  }

  @Test(arguments: [
    ("", "1:1"), ("{\n  \"a\": 1,\n}", "3:1"), ("{\"é\": x}", "1:7"), ("[1 2]", "1:4"),
    ("{\"a\":1,\n \"a\":2}", "2:2"), ("01", "1:2"), ("1.", "1:3"), ("\"\\ud800x\"", "1:2"),
    ("\"a\nb\"", "1:3"), ("nul", "1:1"), ("{\"a\" 1}", "1:6"), ("1e999", "1:1"), ("[1]]", "1:4"),
    ("{1:2}", "1:2"), ("\"\\q\"", "1:2"), ("-", "1:2"), ("\"abc", "1:1"),
  ])
  func errorsNameLineAndColumn(text: String, place: String) {
    let error = #expect(throws: JSONSyntaxError.self) { try OrderedJSON(parsing: text) }
    #expect(error?.position.description == place, "\(text): \(String(describing: error))")
  }

  @Test func deepNestingIsAnError() {
    #expect(throws: JSONSyntaxError.self) {
      try OrderedJSON(parsing: String(repeating: "[", count: 1_000_000))
    }
  }

  @Test func damagedTextNeverTraps() {
    let text = Array(
      #"{"a":{"b":[1,-2.5e3,"x\u00e9\n"],"c":null},"d":true,"e":"\ud83d\ude00"}"#.utf8)
    var generator = SeededGenerator(state: 7)
    for _ in 0..<5000 {
      var damaged = text
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let place = Int.random(in: 0..<damaged.count, using: &generator)
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: damaged[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: damaged.remove(at: place)
        default: damaged.removeSubrange(place...)
        }
        if damaged.isEmpty { break }
      }
      if let value = try? JSONDocument(parsing: damaged).value {
        #expect((try? OrderedJSON(parsing: value.line)) == value)
      }
    }
  }
}

/// A small generator whose sequence a seed decides (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
