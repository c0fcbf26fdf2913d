import Foundation
import Records
import Testing

/// An embedding begins with vectors of words, and vocabularies go out and come in as files.
@Suite(.serialized) struct WordVectorTests {
  private static let options = [
    "config.json", "--set", "data.tokenizer=word", "--set", "data.train=words.txt", "--set",
    "model.embedding=3", "--threads", "1",
  ]

  private func place() throws -> Workplace {
    let place = try Workplace()
    try place.write(
      "words.txt",
      (0..<400).map { "the \(["ada", "bob", "cyd"][$0 % 3]) trains \($0 % 5 == 0 ? "on" : "off")" }
        .joined(separator: "\n"))
    return place
  }

  @discardableResult
  private func run(
    _ arguments: [String], in place: Workplace, ranks: Int? = nil, status: Int32 = 0
  ) throws -> Program {
    let job = try Program(arguments, ranks: ranks, in: place.folder)
    #expect(job.status == status, "\(job)")
    return job
  }

  private static let lines = [
    "the 0.5 -1 2", "ada 1e-1 0 0.25", "zoe 9 9 9", "bob -0.5 .5 0", "</s> 1 1 1",
  ]

  @Test func vectorsOfZerosAreRefused() throws {
    let place = try place()
    try place.write("zeros.txt", "the 0 0 0\nada 0 0.0 -0\nzoe 1 2 3\n")
    let job = try run(
      ["check"] + Self.options.dropLast(2) + ["--set", "data.embeddings=zeros.txt"], in: place,
      status: 2)
    #expect(job.errors.contains("has nothing but zeros for the 2 tokens that it knows"), "\(job)")
  }

  @Test func formatsGiveTheSameEmbeddingAtAnyRankCount() throws {
    let place = try place()
    let glove = Self.lines.joined(separator: "\n") + "\n"
    try place.write("glove.txt", glove)
    try place.write("vectors.vec", "5 3\n" + Self.lines.map { $0 + " " }.joined(separator: "\r\n"))
    try place.write("spaces.txt", glove + ". . . 1 2 3\n")
    var trajectories: [[String]] = []
    for (name, ranks) in [("glove.txt", 1), ("vectors.vec", 2), ("spaces.txt", 3)] {
      let job = try run(
        Self.options + ["--set", "data.embeddings=\(name)", "--run-directory", name + ".run"],
        in: place, ranks: ranks)
      // Of <unk>, <eos>, the, trains, off, ada, bob, cyd, on it has four.
      #expect(job.output.contains("of 4 of the 9 tokens of the vocabulary (44.4 %)"), "\(job)")
      trajectories.append(try place.trajectory(name + ".run"))
    }
    #expect(trajectories[0] == trajectories[1])
    #expect(trajectories[0] == trajectories[2])
    // A resume does not read the file.
    try run(
      Self.options
        + ["--set", "data.embeddings=glove.txt", "--run-directory", "cut", "--stop-after", "3"],
      in: place, status: 75)
    try FileManager.default.removeItem(atPath: place.path("glove.txt"))
    try run(Self.options + ["--run-directory", "cut", "--resume"], in: place)
    #expect(try place.trajectory("cut") == trajectories[0])
  }

  @Test func errorsNameTheLine() throws {
    let place = try place()
    for (text, words) in [
      ("the 1 2 3 4\n", "line 1: vectors of 4 numbers, and model.embedding is 3; set model.emb"),
      ("2 4\nthe 1 2 3 4\n", "line 1: vectors of 4 numbers"),
      ("the 1 2 3\nada 1 2\n", "line 2: has 2 numbers after its word, expected 3"),
      ("the 1 2 3\nada 1 2 3 4\n", "line 2: has 4 numbers after its word, expected 3"),
      ("the 1 2 3\nada 1 x 3\n", "line 2: number 2 is \"x\""),
      ("the 1 2 3\nada 1 nan 3\n", "line 2: number 2 is \"nan\""),
      ("3 3\nthe 1 2 3\nada 1 2 3\n", "line 1: says that there are 3 vectors, and 2 follow"),
      ("zoe 1 2 3\n", "has none of the 9 tokens"),
      ("", "has none of the 9 tokens"),
    ] {
      try place.write("v.txt", text)
      let job = try run(
        ["check"] + Self.options + ["--set", "data.embeddings=v.txt"], in: place, status: 2)
      #expect(job.errors.contains(words), "\(text): \(job)")
    }
    let missing = try run(
      ["check"] + Self.options + ["--set", "data.embeddings=none.txt"], in: place, status: 2)
    #expect(missing.errors.contains("none.txt"), "\(missing)")
    #expect(!missing.errors.contains("fatal"), "\(missing)")
  }

  @Test(arguments: ["word", "character"])
  func vocabulariesGoOutAndComeIn(kind: String) throws {
    let place = try place()
    let options =
      Self.options + ["--set", "data.tokenizer=\(kind)", "--set", "model.reset=after"]
    try run(options, in: place)
    try run(
      ["export", "run", "--format", "torch", "--output", "m", "--vocabulary", "v.txt"], in: place)
    let text = try String(contentsOfFile: place.path("v.txt"), encoding: .utf8)
    #expect(text.contains("<unk>\n"))
    #expect(kind == "word" ? text.hasPrefix("<unk>\n<eos>\n") : text.hasPrefix("\\n\n \na\n"))
    // The same numbers from a text that gives others.
    try place.write("other.txt", String(repeating: "some other words off the text\n", count: 90))
    let job = try run(
      ["import", "m", "--vocabulary", "v.txt"] + options
        + ["--set", "data.train=other.txt", "--run-directory", "copy"], in: place)
    #expect(!job.output.contains("numbered as"), "\(job)")
    func fingerprint(_ path: String) throws -> OrderedJSON? {
      try OrderedJSON(parsing: run(["inspect", path, "--json"], in: place).output)["fingerprint"]
    }
    #expect(try fingerprint("run") == fingerprint("copy"))
  }

  /// Rows follow their tokens, wherever another program has put them.
  @Test func importedRowsFollowTheirTokens() throws {
    let place = try place()
    let options = Self.options + ["--set", "model.reset=after"]
    try run(options, in: place)
    try run(
      ["export", "run", "--format", "torch", "--output", "m", "--vocabulary", "v.txt"], in: place)
    let words = try String(contentsOfFile: place.path("v.txt"), encoding: .utf8)
      .split(separator: "\n").map(String.init)
    // As if the model had been trained with its tokens in another order.
    try place.write("w.txt", words.reversed().joined(separator: "\n"))
    try run(
      ["import", "m", "--vocabulary", "w.txt", "--run-directory", "copy"] + options, in: place)
    try run(
      ["export", "copy", "--format", "torch", "--output", "n", "--vocabulary", "x.txt"], in: place)
    let again = try String(contentsOfFile: place.path("x.txt"), encoding: .utf8)
      .split(separator: "\n").map(String.init)
    #expect(again == ["<unk>", "<eos>"] + words.reversed().dropLast(2))
    for (text, message) in [
      ("a\na\n", "lines 1 and 2 are the same token"), ("a b\n", "line 1, \"a b\", is no word"),
      ("a\n\nb\n", "line 2 is empty"), ("", "is empty"),
    ] {
      try place.write("bad.txt", text)
      let job = try run(
        ["import", "m", "--vocabulary", "bad.txt", "--run-directory", "x"] + options, in: place,
        status: 2)
      #expect(job.errors.contains(message), "\(job)")
    }
  }
}
