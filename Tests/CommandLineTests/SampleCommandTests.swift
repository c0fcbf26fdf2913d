import Foundation
import Records
import Testing

/// What `sample` draws: how many texts, among which tokens, and where they end.
@Suite(.serialized) struct SampleCommandTests {
  private func texts(
    _ place: Workplace, _ options: [String], ranks: Int? = nil
  ) throws -> [String] {
    let job = try Program(
      ["sample", "run", "--length", "40", "--json"] + options, ranks: ranks, in: place.folder)
    #expect(job.status == 0, "\(job)")
    return try job.lines.map { try OrderedJSON(parsing: $0)["text"]?.stringValue ?? "none" }
  }

  @Test func textsOfACountAreThoseOfTheirNumbers() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    let one = try texts(place, ["--top-p", "0.9"])
    let three = try texts(place, ["--top-p", "0.9", "--count", "3"])
    #expect(three.count == 3 && Set(three).count == 3)
    #expect(three[0] == one[0])
    #expect(
      try texts(place, ["--top-p", "0.9", "--count", "3", "--isa", "portable"], ranks: 2) == three)
    let plain = try place.run("sample", "run", "--length", "40", "--top-p", "0.9", "--count", "3")
    #expect(plain.output.components(separatedBy: "--- ").count == 4, "\(plain)")
    #expect(plain.output.contains("--- 3 of 3\n" + three[2]), "\(plain)")
    // So little that only the likeliest is left.
    let greedy = try texts(place, ["--temperature", "0"])
    #expect(try texts(place, ["--top-p", "1e-9", "--seed", "9"]) == greedy)
  }

  @Test func textsEndWhereTheyAreToStop() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--set", "data.tokenizer=char").status == 0)
    let whole = try texts(place, [])[0]
    let letters = Array(whole.utf8)
    let stop = String(decoding: letters[20..<22], as: UTF8.self)
    let end = try #require(whole.range(of: stop))
    let job = try place.run("sample", "run", "--length", "40", "--json", "--stop", stop)
    let record = try OrderedJSON(parsing: job.lines[0])
    #expect(record["text"]?.stringValue == String(whole[..<end.lowerBound]))
    #expect(record["stop"]?.stringValue == stop)
    #expect((record["tokens"]?.integerValue ?? 99) <= 22)
    let plain = try place.run("sample", "run", "--length", "40", "--stop", stop, "--stop", "~~")
    #expect(plain.output == whole[..<end.lowerBound] + "\n", "\(plain)")
    for option in ["--stop", "--count", "--top-p"] {
      let value = ["--stop": "", "--count": "0", "--top-p": "2"][option] ?? ""
      let refused = try place.run("sample", "run", option, value)
      #expect(refused.status == 2, "\(refused)")
      #expect(refused.errors.contains("\(option): expected"), "\(refused)")
    }
  }

  @Test func unknownWordsCanBeLeftOut() throws {
    let place = try Workplace()
    let words = (0..<4000).map { $0 % 3 == 0 ? "rare\($0)" : ["the", "run", "goes"][$0 % 3] }
    try place.write("text.txt", words.joined(separator: " "))
    let run = try place.run(
      "config.json", "--set", "data.tokenizer=word", "--set", "data.minimum_count=2")
    #expect(run.status == 0, "\(run)")
    #expect(try texts(place, [])[0].contains("<unk>"))
    let without = try texts(place, ["--no-unknown", "--count", "3"])
    #expect(!without.joined().contains("<unk>"))
    // The other words are drawn in proportion.
    #expect(without.joined().contains("run") && without.joined().contains("goes"))
    #expect(try place.run("config.json", "--overwrite").status == 0)
    let bytes = try place.run("sample", "run", "--length", "3", "--no-unknown")
    #expect(bytes.status == 0 && bytes.errors.contains("--no-unknown changes nothing"), "\(bytes)")
  }
}
