import Foundation
import Records
import Testing

/// An adaptive softmax from the command line.
@Suite(.serialized) struct AdaptiveSoftmaxCommandTests {
  private static let words = [
    "--set", "data.tokenizer=word", "--set", "model.adaptive_softmax=[12,100]",
  ]

  @Test func commandsOnATrainedModelAgreeWithTheRun() throws {
    let place = try Workplace()
    func train(_ name: String, ranks: Int?, _ options: [String] = []) throws -> [OrderedJSON] {
      let job = try Program(
        ["config.json", "--run-directory", name] + Self.words + options, ranks: ranks,
        in: place.folder)
      #expect(job.status == 0, "\(job)")
      return try place.records(name)
    }
    let records = try train("run", ranks: 2)
    let alone = try train("alone", ranks: nil, ["--isa", "portable"])
    func trajectory(_ records: [OrderedJSON]) -> [OrderedJSON?] {
      records.filter { $0["kind"] == "train" }.flatMap { [$0["loss"], $0["fingerprint"]] }
    }
    #expect(!trajectory(records).isEmpty)
    #expect(trajectory(records) == trajectory(alone))
    let last = try #require(records.last { $0["kind"] == "valid" })
    for ranks in [nil, 3] {
      let evaluation = try place.run("evaluate", "run", "--json", ranks: ranks)
      #expect(try OrderedJSON(parsing: evaluation.output)["loss"] == last["loss"], "\(evaluation)")
    }
    let sample = try place.run("sample", "run", "--length", "20", "--isa", "portable")
    #expect(sample.status == 0, "\(sample)")
    #expect(try place.run("sample", "run", "--length", "20").output == sample.output)

    for format in ["torch", "keras", "onnx"] {
      let export = try place.run("export", "run", "--format", format, "--output", "model")
      #expect(export.status == 2, "\(export)")
      #expect(export.errors.contains("model.adaptive_softmax=null"), "\(export)")
      #expect(!place.exists("model"))
    }
  }

  @Test func gradientCheckPasses() throws {
    let place = try Workplace()
    let job = try Program(["config.json", "--debug"] + Self.words, in: place.folder)
    #expect(job.status == 0, "\(job)")
    #expect((job.errors + job.output).contains("output.tails.1.projection.weight"), "\(job)")
    #expect(!(job.errors + job.output).contains("WRONG"), "\(job)")
  }

  @Test(arguments: [
    (["model.adaptive_softmax=[12]"], "data.tokenizer to \"word\" or \"bpe\""),
    (["data.tokenizer=word", "model.adaptive_softmax=[12,9000]"], "token 9000"),
    (
      [
        "data.tokenizer=word", "model.adaptive_softmax=[12]", "model.tie_weights=true",
        "model.embedding=24",
      ], "tie_weights to false"
    ),
    (["task=adding", "model.adaptive_softmax=[1]", "data={}"], "\"language\" only"),
  ])
  func impossibleCombinationsAreErrors(assignments: [String], hint: String) throws {
    let place = try Workplace()
    let settings = assignments.flatMap { ["--set", $0] }
    for command in [[], ["check"]] {
      let job = try Program(command + ["config.json"] + settings, in: place.folder)
      #expect(job.status == 2, "\(job)")
      #expect(job.errors.contains("model.adaptive_softmax"), "\(job)")
      #expect(job.errors.contains(hint), "\(job)")
      #expect(!place.exists("run"))
    }
  }
}
