import Foundation
import Records
import Testing

/// On another text than its own, a language model stands beside the unigram of its training text
/// too, as long as that is there.
@Suite(.serialized) struct UnigramTests {
  private static func evaluation(_ place: Workplace, _ text: String) throws -> (
    record: OrderedJSON, job: Program
  ) {
    let job = try place.run("evaluate", "run", "--text", text, "--json")
    try #require(job.status == 0, "\(job)")
    return (try OrderedJSON(parsing: try #require(job.lines.last)), job)
  }

  /// Of one stream of text, and of documents.
  @Test(arguments: ["", #""documents": "line","#])
  func otherTextsStandBesideTheUnigram(documents: String) throws {
    let place = try Workplace()
    let words = ["alpha", "beta", "gamma", "delta"]
    func text(_ lines: Range<Int>) -> String {
      lines.map { line in
        (0..<3 + line % 4).map { words[(line * 3 + $0 * $0) % 4] }.joined(separator: " ") + "\n"
      }.joined()
    }
    try place.write("train.txt", text(0..<200))
    try place.write("valid.txt", text(200..<260))
    try place.write(
      "c.json",
      """
      {"data": {"train": "train.txt", "valid": "valid.txt", \(documents) "tokenizer": "word"},
       "model": {"hidden": 8, "embedding": 6},
       "batch": {"sequences": 4, "window": 16, "shards": 4},
       "run": {"directory": "run", "steps": 10, "validate_every": 10}}
      """)
    let job = try place.run("c.json", "--threads", "1")
    try #require(job.status == 0, "\(job)")
    let own = try place.run("evaluate", "run", "--json")
    let expected = try OrderedJSON(parsing: try #require(own.lines.last))["loss_of_unigram"]
    #expect(expected != nil)
    // The validation text as another one.
    try place.write("other.txt", text(200..<260))
    let other = try Self.evaluation(place, "other.txt")
    #expect(other.record["loss_of_unigram"] == expected, "\(other.job)")
    try place.write("train.txt", text(0..<199))
    let changed = try Self.evaluation(place, "other.txt")
    #expect(changed.record["loss_of_unigram"] == nil)
    #expect(changed.record["loss"] == other.record["loss"])
    let said = try place.run("evaluate", "run", "--text", "other.txt")
    #expect(
      said.output.contains(
        "no unigram model stands beside it: the training text, 'train.txt', is not the one"),
      "\(said)")
    try FileManager.default.removeItem(at: place.folder.appendingPathComponent("train.txt"))
    let gone = try place.run("evaluate", "run", "--text", "other.txt")
    #expect(gone.status == 0 && gone.output.contains("is not there or cannot be read"), "\(gone)")
  }
}
