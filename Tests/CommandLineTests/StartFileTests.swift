import Foundation
import Records
import Testing

/// `train --from` with model files, and with what is none.
@Suite(.serialized) struct StartFileTests {
  /// A workplace with a run of a language model of words, and a config of a classifier of texts of
  /// the same layers.
  private static func make() throws -> Workplace {
    let place = try Workplace()
    let words = ["the", "cat", "dog", "sat", "ran", "on", "in", "mat", "house"]
    func text(_ row: Int) -> String {
      (0..<7).map { words[(row * 5 + $0 * $0 * (1 + row % 3)) % words.count] }
        .joined(separator: " ")
    }
    try place.write("words.txt", (0..<200).map(text).joined(separator: "\n"))
    try place.write(
      "texts.csv",
      "text,label\n" + (0..<80).map { "\(text($0)),\($0 % 3 == 0 ? "a" : "b")\n" }.joined())
    let rest =
      #""model": {"embedding": 6, "hidden": 8, "reset": "after"}, "#
      + #""batch": {"sequences": 8, "window": 8, "shards": 4}, "#
    try place.write(
      "words.json",
      #"{"data": {"train": "words.txt", "tokenizer": "word"}, "# + rest
        + #""run": {"directory": "words", "steps": 6}}"#)
    try place.write(
      "classes.json",
      #"{"task": "classification", "data": {"train": "texts.csv", "tokenizer": "word"}, "# + rest
        + #""run": {"directory": "classes", "steps": 4}}"#)
    try place.write(
      "numbers.json",
      #"{"task": "classification", "data": {"train": "texts.csv"}, "# + rest
        + #""run": {"directory": "numbers", "steps": 4}}"#)
    let job = try place.run("words.json", "--threads", "1")
    try #require(job.status == 0, "\(job)")
    return place
  }

  /// The same file without what our exports say besides its tensors, as another program's is.
  private static func strip(_ name: String, to other: String, in place: Workplace) throws {
    let data = try Data(contentsOf: place.folder.appendingPathComponent(name))
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = try JSONSerialization.jsonObject(with: data.dropFirst(8).prefix(length))
    var members = try #require(header as? [String: Any])
    #expect(members.removeValue(forKey: "__metadata__") != nil)
    var text = try JSONSerialization.data(withJSONObject: members)
    while text.count % 8 != 0 { text.append(0x20) }
    let size = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
    try (Data(size) + text + data.dropFirst(8 + length))
      .write(to: place.folder.appendingPathComponent(other))
  }

  private func fingerprint(_ run: String, in place: Workplace) throws -> OrderedJSON? {
    let job = try place.run("inspect", "\(run)/checkpoints/step-00000000", "--json")
    return try OrderedJSON(parsing: try #require(job.lines.first, "\(job)"))["fingerprint"]
  }

  /// A classifier begins with the same bits whether its source is a run, our export, or a file that
  /// says nothing beside a list of its tokens.
  @Test(arguments: ["torch", "keras"])
  func classifierStartsFromALanguageModelOfAnyForm(format: String) throws {
    let place = try Self.make()
    let export = try place.run(
      "export", "words", "--format", format, "--output", "ours.safetensors", "--vocabulary",
      "tokens.txt")
    try #require(export.status == 0, "\(export)")
    try Self.strip("ours.safetensors", to: "bare.safetensors", in: place)
    let starts = [
      ("run", ["words"]), ("ours", ["ours.safetensors"]),
      (
        "bare",
        ["bare.safetensors", "--vocabulary", "tokens.txt"]
          + (format == "torch" ? ["--new-head"] : [])
      ),
    ]
    for (name, source) in starts {
      let job = try Program(
        ["classes.json", "--run-directory", name, "--threads", "1", "--from"] + source,
        in: place.folder)
      try #require(job.status == 0, "\(job)")
      #expect(job.output.contains("embedding: taken, 66 parameters"), "\(job)")
      #expect(job.output.contains("output: new"), "\(job)")
      // Of an output layer that is left nothing is taken for granted.
      #expect(!job.output.contains("assumed: its outputs"), "\(job)")
      #expect(!job.output.contains("assumed: the output layer"), "\(job)")
      #expect(try fingerprint(name, in: place) == fingerprint("run", in: place))
    }
    #expect(try place.trajectory("bare") == place.trajectory("run"))
    if format == "torch" {
      let other = try place.run(
        "classes.json", "--run-directory", "x", "--from", "bare.safetensors")
      #expect(other.status == 2 && other.errors.contains("add --new-head"), "\(other)")
    }
    // A list of other tokens is one of another model.
    try place.write("few.txt", "<unk>\n<eos>\nthe\n")
    let few = try place.run(
      "classes.json", "--run-directory", "few", "--from", "bare.safetensors", "--vocabulary",
      "few.txt", "--new-head")
    #expect(few.status == 2 && few.errors.contains("[11, 6]"), "\(few)")
  }

  /// Rows stand where the list says.
  @Test func rowsAreTakenInTheOrderOfTheList() throws {
    let place = try Self.make()
    let export = try place.run(
      "export", "words", "--format", "torch", "--output", "ours.safetensors", "--vocabulary",
      "tokens.txt")
    try #require(export.status == 0, "\(export)")
    let tokens = try String(contentsOfFile: place.path("tokens.txt"), encoding: .utf8)
      .split(separator: "\n")
    // What the file calls "cat" is our "dog" now, and the other way round.
    let swapped = tokens.map { $0 == "cat" ? "dog" : $0 == "dog" ? "cat" : $0 }
    try place.write("swapped.txt", swapped.joined(separator: "\n") + "\n")
    for (name, list) in [("a", "tokens.txt"), ("b", "swapped.txt")] {
      let job = try place.run(
        "classes.json", "--run-directory", name, "--from", "ours.safetensors", "--vocabulary",
        list, "--threads", "1")
      try #require(job.status == 0, "\(job)")
      let isSaid = job.output.contains("assumed: --vocabulary, although")
      #expect(isSaid == (name == "b"), "\(job)")
    }
    #expect(try place.trajectory("a") != place.trajectory("b"))
  }

  @Test func whatIsNoModelIsNamed() throws {
    let place = try Self.make()
    try Data((0..<64).map { UInt8($0 * 37 % 251) | 0x80 })
      .write(to: place.folder.appendingPathComponent("noise.safetensors"))
    func refusal(_ arguments: String...) throws -> String {
      let job = try Program(arguments, in: place.folder)
      #expect(job.status == 2, "\(job)")
      #expect(job.complaints.count == 1, "\(job)")
      return job.errors
    }
    for (file, words) in [
      ("words.txt", "--from: 'words.txt' is a text, and no file of a model; expected a safe"),
      ("classes.json", "is a text, and no file of a model"),
      ("noise.safetensors", "is no safetensors file"),
      ("missing.safetensors", "--from: there is no 'missing.safetensors'; expected a run"),
    ] {
      let said = try refusal("classes.json", "--from", file)
      #expect(said.contains(words) && !said.contains("header of"), "\(said)")
    }
    let imported = try refusal("import", "words.txt", "words.json", "--run-directory", "i")
    #expect(imported.contains("'words.txt' is a text, and no file of a model"))
    // A config that would read numbers of texts.
    let numbers = try refusal("numbers.json", "--from", "words")
    #expect(numbers.contains("to classify texts, add --set data.tokenizer=word"), "\(numbers)")
    let run = try refusal("classes.json", "--from", "words", "--vocabulary", "words.txt")
    #expect(run.contains("--vocabulary is for model files"), "\(run)")
    let alone = try place.run("classes.json", "--vocabulary", "words.txt")
    #expect(alone.status == 2 && alone.errors.contains("is for --from"), "\(alone)")
  }
}
