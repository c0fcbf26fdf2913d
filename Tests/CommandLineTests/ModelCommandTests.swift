import Foundation
import Records
import Testing

@Suite(.serialized) struct ModelCommandTests {
  @Test func commandsOnATrainedModelAgreeWithTheRun() throws {
    let place = try Workplace()
    #expect(try place.run("config.json", "--set", "data.tokenizer=char", ranks: 2).status == 0)
    let last = try #require(try place.records().last { $0["kind"] == "valid" })

    for ranks in [nil, 1, 3] {
      let evaluation = try place.run("evaluate", "run", "--json", ranks: ranks)
      #expect(evaluation.status == 0, "\(evaluation)")
      let record = try OrderedJSON(parsing: evaluation.output)
      #expect(record["loss"] == last["loss"], "\(evaluation)")
      #expect(record["bits_per_byte"] == last["bits_per_byte"])
    }
    try place.write("other.txt", "coordinator writes ünseen words")
    let other = try place.run("evaluate", "run", "--text", "other.txt", "--json")
    #expect(other.status == 0, "\(other)")
    #expect(try OrderedJSON(parsing: other.output)["tokens"] == 30)

    let inspection = try place.run("inspect", "run/checkpoints/step-00000010", "--json")
    #expect(inspection.status == 0, "\(inspection)")
    let description = try OrderedJSON(parsing: inspection.output)
    #expect(description["step"] == 10)
    let logged = try place.records().first { $0["kind"] == "train" && $0["step"] == 10 }
    #expect(description["fingerprint"] == logged?["fingerprint"])
  }

  @Test func bf16GradientModelsEvaluateAtAnyRankCount() throws {
    let place = try Workplace()
    let training = try place.run(
      "config.json", "--set", "exchange.compression=bf16", "--set",
      "exchange.compression_groups=4", ranks: 2)
    #expect(training.status == 0, "\(training)")
    let last = try #require(try place.records().last { $0["kind"] == "valid" })
    for ranks in [nil, 3] {
      let evaluation = try place.run("evaluate", "run", "--json", ranks: ranks)
      #expect(evaluation.status == 0, "\(evaluation)")
      #expect(try OrderedJSON(parsing: evaluation.output)["loss"] == last["loss"])
    }
    for streams in ["1", "6"] {
      let carried = try place.run("evaluate", "run", "--json", "--streams", streams)
      #expect(carried.status == 0, "\(carried)")
    }
  }

  @Test func samplesDependOnTheSeedAlone() throws {
    let place = try Workplace()
    #expect(try place.run("config.json").status == 0)
    func sample(_ arguments: String..., ranks: Int? = nil) throws -> String {
      let job = try Program(
        ["sample", "run", "--length", "40", "--prompt", "The "] + arguments, ranks: ranks,
        in: place.folder)
      #expect(job.status == 0, "\(job)")
      #expect(job.output.hasPrefix("The "), "\(job)")
      return job.output
    }
    let text = try sample("--seed", "3")
    #expect(try sample("--seed", "3", "--isa", "portable") == text)
    #expect(try sample("--seed", "3", ranks: 2) == text)
    #expect(try sample("--seed", "4") != text)
    let greedy = try sample("--temperature", "0")
    #expect(try sample("--temperature", "0", "--seed", "9") == greedy)
    #expect(try sample("--top-k", "1", "--seed", "5") == greedy)

    let json = try place.run("sample", "run", "--length", "5", "--json")
    #expect(try OrderedJSON(parsing: json.output)["kind"] == "sample", "\(json)")
  }

  @Test func checkPrintsTheEffectiveConfigAndStartsNothing() throws {
    let place = try Workplace()
    let job = try place.run("check", "config.json", "--set", "model.layers=3", "--json", ranks: 2)
    #expect(job.status == 0, "\(job)")
    let record = try OrderedJSON(parsing: job.output)
    let config = try #require(record["config"])
    #expect(config["model"]?["layers"] == 3)
    #expect(config["run"]?["seed"] == 1)
    #expect((record["parameters"]?.integerValue ?? 0) > 10_000)
    #expect((record["memory"]?["total_bytes"]?.integerValue ?? 0) > 100_000)
    #expect(!place.exists("run"))
    let text = try place.run("check", "config.json")
    #expect(text.output.contains("\"hidden\": 24"), "\(text)")
    #expect(text.output.contains("embedding.weight [256, 16]"), "\(text)")
  }

  @Test func benchmarksPrintOneLine() throws {
    let place = try Workplace()
    let sizes = [
      "--vocabulary", "20", "--hidden", "16", "--embedding", "8", "--window", "4", "--batch", "6",
      "--steps", "3", "--warmup", "1",
    ]
    for (ranks, cell) in [(nil, "gru"), (2, "rnn")] as [(Int?, String)] {
      let job = try Program(
        ["bench", "step", "--cell", cell] + sizes, ranks: ranks, in: place.folder)
      #expect(job.status == 0, "\(job)")
      #expect(job.lines.count == 1, "\(job)")
      let record = try OrderedJSON(parsing: job.output)
      for key in [
        "parameters", "step_seconds", "tokens_per_second", "gflops", "peak_gflops",
        "fraction_of_peak", "peak_rss_bytes",
      ] {
        #expect((record[key]?.doubleValue ?? 0) > 0, "\(key): \(job)")
      }
      #expect(record["bench"] == "step")
      #expect(record["shards"] == 6)
    }
    for (name, keys) in [
      ("evaluate", ["window_seconds", "tokens_per_second", "fraction_of_peak"]),
      ("sample", ["token_seconds", "stream_seconds", "weight_bytes", "times_stream"]),
    ] {
      let job = try Program(["bench", name] + sizes, in: place.folder)
      #expect(job.lines.count == 1, "\(job)")
      let record = try OrderedJSON(parsing: job.output)
      #expect(record["bench"]?.stringValue == name)
      for key in keys { #expect((record[key]?.doubleValue ?? 0) > 0, "\(key): \(job)") }
    }
    let peak = try place.run("bench", "peak", "--seconds", "0.05", "--json")
    #expect(peak.status == 0, "\(peak)")
    #expect(!peak.lines.isEmpty, "\(peak)")
    for line in peak.lines { #expect(try OrderedJSON(parsing: line)["bench"] == "peak") }
  }

  @Test func selfTestPassesAtAnyRankCount() throws {
    let place = try Workplace()
    let digests = try [nil, 2, 3].map { ranks in
      let job = try place.run("self-test", ranks: ranks)
      #expect(job.status == 0, "\(job)")
      return job.output.split(separator: " ").last
    }
    #expect(Set(digests).count == 1)
  }

  @Test func helpAndVersionExitWithZero() throws {
    let place = try Workplace()
    let help = try place.run("--help", ranks: 2)
    #expect(help.status == 0, "\(help)")
    #expect(help.output.components(separatedBy: "USAGE").count == 2, "\(help)")
    #expect(help.output.contains("75 stopped by"))
    #expect(try place.run("--version").output == programVersion + "\n")
    let train = try place.run("help", "train")
    #expect(train.status == 0, "\(train)")
    #expect(train.output.contains("--run-directory"), "\(train)")
    let chosen = try place.run(
      "config.json", "--steps", "1", environment: ["GRU_DIST_ISA": "portable"])
    #expect(chosen.status == 0, "\(chosen)")
    #expect(chosen.output.contains(", portable, "), "\(chosen)")
    #if arch(x86_64)
      // The line after that which says what starts.
      let remarks = chosen.output.split(separator: "\n").dropFirst().prefix(1)
      #expect(
        remarks.allSatisfy { $0.hasPrefix("remark      ") && $0.contains("tens of times") }
          && !remarks.isEmpty, "\(chosen)")
    #endif
  }
}
