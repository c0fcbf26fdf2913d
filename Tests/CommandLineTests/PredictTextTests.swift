import Foundation
import Records
import Testing

/// Classes of texts, tags of words and scores of documents equal what evaluation saw.
@Suite(.serialized) struct PredictTextTests {
  private static let words = ["alpha", "beta", "gamma", "delta", "eps", "zeta"]

  private static func sentence(_ number: Int) -> [String] {
    (0..<1 + number * 7 % 13).map { words[(number * 5 + $0 * (number % 4 + 1)) % words.count] }
  }

  private static func train(_ config: String, in place: Workplace) throws {
    try place.write("c.json", config)
    let job = try place.run("c.json", "--threads", "1", "--overwrite")
    try #require(job.status == 0, "\(job)")
  }

  private static func config(_ head: String, model: String = "") -> String {
    """
    {\(head), "model": {"hidden": 8, "embedding": 6\(model)},
     "batch": {"sequences": 8, "window": 16, "shards": 8},
     "run": {"directory": "run", "steps": 20, "validate_every": 20}}
    """
  }

  private static func loss(_ data: String, _ place: Workplace) throws -> OrderedJSON {
    let job = try place.run("evaluate", "run", "--text", data, "--json")
    try #require(job.status == 0, "\(job)")
    return try OrderedJSON(parsing: try #require(job.lines.last))
  }

  private static func objects(_ job: Program) throws -> [OrderedJSON] {
    try #require(job.status == 0, "\(job)")
    return try job.lines.map { try OrderedJSON(parsing: $0) }
  }

  @Test func classesOfTextsEqualThoseEvaluationCounts() throws {
    let place = try Workplace()
    let texts = (0..<120).map { Self.sentence($0) }
    let labels = texts.map { $0.contains("alpha") ? "a" : "b" }
    try place.write(
      "t.csv",
      "text,label\n"
        + zip(texts, labels).map { "\"\($0.joined(separator: " ")), ok\",\($1)\n" }.joined())
    try Self.train(
      Self.config(
        #""task": "classification", "data": {"train": "t.csv", "valid": "t.csv", "#
          + #""tokenizer": "word"}"#,
        model: #", "bidirectional": true"#), in: place)
    try place.write(
      "new.jsonl",
      texts.enumerated().map { "{\"id\": \($0), \"text\": \"\($1.joined(separator: " ")), ok\"}" }
        .joined(separator: "\n"))
    let found = try Self.objects(
      try place.run("predict", "run", "new.jsonl", "--keep", "id", "--format", "jsonl"))
    #expect(found.map { $0["id"]?.integerValue } == Array(0..<120))
    let right = zip(found, labels).count { $0["class"] == .string($1) }
    #expect(try Self.loss("t.csv", place)["accuracy"]?.doubleValue == Double(right) / 120)
    // A text a line; nothing can be said of a text without a token.
    try place.write("new.txt", "alpha beta\n\nunseen\n")
    let lines = try place.run("predict", "run", "new.txt", "--batch", "1")
    #expect(lines.lines.map { $0.split(separator: ",")[0] } == ["line", "1", "3"], "\(lines)")
    #expect(lines.errors.contains("tokens that the model does not know: 1, first line 3"))
    try place.write("empty.csv", "text\n\"\"\nalpha\n")
    let empty = try place.run("predict", "run", "empty.csv")
    #expect(empty.lines.count == 3 && empty.lines[1] == "2,,", "\(empty)")
    try place.write("null.jsonl", "{\"text\": null}\n{\"text\": \"alpha\"}\n")
    let null = try place.run("predict", "run", "null.jsonl")
    #expect(null.lines.count == 3 && null.lines[1] == "1,,", "\(null)")
    #expect(try place.run("predict", "run", "new.txt", "--by", "token").status == 2)
  }

  @Test func tagsEqualThoseEvaluationCounts() throws {
    let place = try Workplace()
    let sentences = (0..<80).map { Self.sentence($0) }
    try place.write(
      "t.conll",
      sentences.map { $0.map { "\($0) \($0.first!)\n" }.joined() }.joined(separator: "\n"))
    try Self.train(
      Self.config(#""task": "tagging", "data": {"train": "t.conll", "valid": "t.conll"}"#),
      in: place)
    try place.write(
      "new.txt", sentences.map { $0.joined(separator: " ") + "\n" }.joined())
    let found = try Self.objects(
      try place.run("predict", "run", "new.txt", "--format", "jsonl", "--batch", "3"))
    var (right, count) = (0, 0)
    for (line, sentence) in zip(found, sentences) {
      guard case .array(let tags)? = line["tags"] else {
        Issue.record("\(line.line)")
        continue
      }
      #expect(tags.count == sentence.count)
      count += tags.count
      right += zip(tags, sentence).count { $0 == .string("\($1.first!)") }
    }
    #expect(
      try Self.loss("t.conll", place)["accuracy"]?.doubleValue == Double(right) / Double(count))
    // The words of columns are the same ones.
    let columns = try place.run("predict", "run", "t.conll", "--threads", "2")
    #expect(columns.lines.count == 1 + count)
    try place.write("words.conll", "alpha\nbeta\n\ngamma\n")
    #expect(try place.run("predict", "run", "words.conll").lines.count == 4)
    // By any name that tells no other form, as evaluation reads them; texts are sentences.
    let content = sentences.map { $0.map { "\($0) \($0.first!)\n" }.joined() }
      .joined(separator: "\n")
    try place.write("t.bio", content)
    let named = try place.run("predict", "run", "t.bio")
    #expect(named.output == columns.output)
    #expect(named.errors.contains("its name tells no format: it is read as columns of words"))
    try place.write("words.txt", "alpha beta\ngamma\n")
    let words = try place.run("predict", "run", "words.txt")
    #expect(words.lines.count == 4)
    #expect(words.errors.contains("it is read as text, a sequence a line"))
    // Where the model has learnt from columns of that name, these are columns.
    try place.write("t.txt", content)
    try Self.train(
      Self.config(#""task": "tagging", "data": {"train": "t.txt", "valid": "t.txt"}"#), in: place)
    #expect(try place.run("predict", "run", "t.txt").lines.count == 1 + count)
  }

  /// Of models of documents and of streams, by any batch, line or token.
  @Test(arguments: [#""documents": "line","#, ""])
  func scoresEqualThoseEvaluationSums(documents: String) throws {
    let place = try Workplace()
    try place.write(
      "t.txt", (0..<200).map { Self.sentence($0).sorted().joined(separator: " ") + "\n" }.joined())
    try Self.train(
      Self.config(
        #""data": {"train": "t.txt", "valid": "t.txt", \#(documents) "tokenizer": "word"}"#),
      in: place)
    let lines = try Self.objects(
      try place.run("predict", "run", "t.txt", "--format", "jsonl", "--ranks", "2"))
    let tokens = try Self.objects(
      try place.run(
        "predict", "run", "t.txt", "--format", "jsonl", "--ranks", "2", "--by", "token",
        "--batch", "1"))
    func sum(_ lines: [OrderedJSON]) -> Double {
      lines.reduce(0) { $0 + ($1["log_likelihood"]?.doubleValue ?? .nan) }
    }
    #expect(abs(sum(lines) - sum(tokens)) < 1e-3)
    let count = lines.reduce(0) { $0 + ($1["tokens"]?.integerValue ?? 0) }
    #expect(count == tokens.count)
    let unlikely = lines.reduce(0) { $0 + ($1["unlikely"]?.integerValue ?? 0) }
    #expect(unlikely == tokens.count { $0["likely"] == .bool(false) })
    if documents.isEmpty { return }
    let loss = try #require(Self.loss("t.txt", place)["loss"]?.doubleValue)
    #expect(abs(-sum(lines) / Double(count) - loss) < 1e-6 * loss)
  }

  @Test func statesDoNotDependOnTheBatch() throws {
    let place = try Workplace()
    try place.write(
      "t.txt", (0..<100).map { Self.sentence($0).joined(separator: " ") + "\n" }.joined())
    try Self.train(
      Self.config(#""data": {"train": "t.txt", "valid": "t.txt", "tokenizer": "word"}"#), in: place)
    for states in ["last", "mean"] {
      let one = try place.run("predict", "run", "t.txt", "--states", states, "--batch", "1")
      let many = try place.run("predict", "run", "t.txt", "--states", states, "--threads", "3")
      #expect(one.output == many.output)
      #expect(one.lines.count == 101)
      #expect(one.lines[0].hasPrefix("line,state_1,") && one.lines[0].hasSuffix(",state_8"))
    }
  }
}
