import Batches
import Corpora
import Datasets
import Foundation
import Records
import Tasks
import Testing
import TextSequences

/// Words with a label each, in columns as of CoNLL or in lines of JSON.
@Suite struct TagDataTests {
  private func request(_ path: String, window: Int = 16) -> SequenceRequest {
    var request = SequenceRequest(
      task: TaskName.tagging.description, rows: 2, window: window, seed: 1)
    request.train = path
    request.text = TextRequest(learning: Tokenizer.Learning(.word))
    return request
  }

  /// Inputs and targets of the first batch, row by row, up to the last step that is filled.
  private func steps(_ data: SequenceData, window: Int) -> [[[Int32]]] {
    let slots = data.slots
    var inputs = [Int32](repeating: -7, count: window * 2)
    var targets = inputs
    var starts = [Int32](repeating: 0, count: slots * 2)
    var ends = starts
    inputs.withUnsafeMutableBufferPointer { inputs in
      targets.withUnsafeMutableBufferPointer { targets in
        starts.withUnsafeMutableBufferPointer { starts in
          ends.withUnsafeMutableBufferPointer { ends in
            let buffers = BatchBuffers(
              sequences: 0..<2, window: window, inputs: inputs.baseAddress!, inputValues: nil,
              inputStride: 0, targets: targets.baseAddress!, targetValues: nil, targetStride: 0,
              slotCount: slots, slotStarts: starts.baseAddress!, slotEnds: ends.baseAddress!,
              isEveryStepRead: true)
            data.training.fill(buffers, batch: 0)
          }
        }
      }
    }
    return (0..<2).map { row in
      let last = (0..<slots).map { Int(ends[$0 * 2 + row]) }.max() ?? 0
      return (0..<last).map { [inputs[$0 * 2 + row], targets[$0 * 2 + row]] }
    }
  }

  private static let columns = """
    -DOCSTART- -X- O

    # one remark with many words
    EU NNP B
    rejects VBZ O
    # SYM O

    Peter NNP B

    """

  @Test func columnsAreRead() throws {
    let folder = try DataFolder("a.conll", Self.columns)
    let data = try SequenceData(opening: request(folder.path))
    #expect(data.frame?.classes == ["B", "O"])
    #expect(data.outputs == 2)
    #expect(data.training.targetCount(beforeBatch: 1) == 4)
    #expect(data.line("data").contains("2 sequences, 4 words; a word a line, 3 columns"))
    #expect(data.line("data").hasSuffix("words in column 1, labels in column 3"))
    let remarks = data.line("remark")
    #expect(remarks.contains("lines that begin with # are left out: 1"), "\(remarks)")
    #expect(remarks.contains("lines of -DOCSTART- are left out: 1"), "\(remarks)")
    #expect(data.line("classes") == "2, with words to train on: \"B\" 2, \"O\" 2")
    // One row holds both sequences.
    let rows = steps(data, window: 16).filter { !$0.isEmpty }
    let words = ["EU", "rejects", "#", "Peter"].flatMap { data.tokenizer?.encode($0) ?? [] }
    #expect(rows == [zip(words, [0, 1, 1, 0]).map { [$0, $1] }])
  }

  /// A label that is ignored is no class, and its words have no target; a sequence without any
  /// other is left out.
  @Test func ignoredLabelsDoNotCount() throws {
    let folder = try DataFolder("a.txt", "a\tX\nb\t_\nc\tY\n\nd\t_\n")
    var request = request(folder.path)
    request.text?.ignoredLabel = "_"
    let data = try SequenceData(opening: request)
    #expect(data.frame?.classes == ["X", "Y"])
    #expect(data.training.targetCount(beforeBatch: 1) == 2)
    #expect(steps(data, window: 16).filter { !$0.isEmpty } == [[[2, 0], [3, -1], [4, 1]]])
    #expect(data.line("ignored").hasPrefix("1 training word "))
    #expect(data.line("remark").contains("without a label that counts are left out: 1"))
    request.text?.ignoredLabel = "O"
    #expect(SequenceData.complaint(request).contains("no word has the label \"O\""))
  }

  @Test func linesOfJSONAreRead() throws {
    let folder = try DataFolder(
      "a.jsonl",
      """
      {"tokens": ["New York", "is"], "labels": ["B", 0]}

      {"labels": [], "tokens": []}
      {"labels": ["B"], "tokens": ["\\u00a0Rome"]}
      """)
    let data = try SequenceData(opening: request(folder.path))
    #expect(data.frame?.classes == ["0", "B"])
    #expect(data.line("data").contains("2 sequences, 3 words"))
    #expect(data.line("remark").contains("white space within words counts as \"_\": 1"))
    let tokenizer = try #require(data.tokenizer)
    #expect(tokenizer.encode("New_York") != [WordVocabulary.unknown])
    #expect(tokenizer.encode("Rome") != [WordVocabulary.unknown])
  }

  /// CoNLL-U has words in its second column and parts of speech in its fourth.
  @Test func universalDependenciesAreRead() throws {
    func row(_ id: String, _ word: String, _ tag: String) -> String {
      "\(id)\t\(word)\t\(word)\t\(tag)\t_\t_\t0\t_\t_\t_"
    }
    let rows = [
      "# sent_id = 1", row("1-2", "au", "_"), row("1", "à", "ADP"), row("2", "le", "DET"),
      row("2.1", "x", "X"), "",
    ]
    let folder = try DataFolder("a.conllu", rows.joined(separator: "\n"))
    let data = try SequenceData(opening: request(folder.path))
    #expect(data.frame?.classes == ["ADP", "DET"])
    #expect(data.line("remark").contains("lines of several words, or of none, are left out: 2"))
    var other = request(folder.path)
    other.text?.words = "3"
    other.text?.tags = "-4"
    #expect(try SequenceData(opening: other).frame?.classes == ["0"])
  }

  @Test func vocabulariesAreThoseOfWhatTrains() throws {
    let folder = try DataFolder("a.conll", "a X\nb X\n\nc Y\na X\n")
    let valid = try DataFolder("b.conll", "a Y\nz X\n")
    var request = request(folder.path)
    request.valid = valid.path
    let data = try SequenceData(opening: request)
    #expect(data.tokenizer?.vocabularySize == 5)
    #expect((data.validationTokens.tokens, data.validationTokens.unknown) == (2, 1))
    let other = try DataFolder("c.conll", "a Q\nb R\n")
    let said = { () -> String in
      do {
        _ = try SequenceData(
          opening: self.request(other.path), frame: data.frame, tokenizer: data.tokenizer)
        return "nothing"
      } catch { return "\(error)" }
    }()
    #expect(said.contains("label \"Q\" does not occur in the training data, nor do others: 2"))
  }

  /// Words of a label that the model lacks do not count, and are told apart from ignored ones.
  @Test func labelsThatTheModelLacksAreCountedWhereTheyMayBe() throws {
    let folder = try DataFolder("a.conll", "a X\nb Y\n\nc Y\nd -\n")
    var request = request(folder.path)
    request.text?.ignoredLabel = "-"
    let data = try SequenceData(opening: request)
    let other = try DataFolder("b.conll", "a X\nb Q\nc -\n\nd Q\ne R\n\nf Y\n")
    request.train = other.path
    request.valid = other.path
    request.countsUnknownClasses = true
    let read = try SequenceData(opening: request, frame: data.frame, tokenizer: data.tokenizer)
    let unknown = try #require(read.summary.unknownClasses)
    #expect(unknown.words.hasPrefix("3 words of 2 classes that the model lacks (\"Q\", \"R\")"))
    #expect(unknown.json["unknown_class_examples"] == 3)
    #expect(read.summary.json["ignored_words"] == 1)
    #expect(read.training.targetCount(beforeBatch: read.training.batchCount) == 2)
    // The second sentence has nothing to predict; -1 stands where nothing counts.
    let targets = Set(steps(read, window: 16).joined().joined())
    #expect(targets.allSatisfy { $0 >= -1 })
  }

  @Test func longSequencesAreAnErrorOrAreCut() throws {
    let folder = try DataFolder("a.conll", "a X\nb X\nc Y\n\nd X\n")
    var request = request(folder.path, window: 2)
    #expect(SequenceData.complaint(request).contains("the sequence of line 1: has 3 words"))
    request.text?.truncation = .start
    let data = try SequenceData(opening: request)
    #expect(data.line("remark").contains("of 1 text the start is left out"))
    #expect(data.training.targetCount(beforeBatch: 1) == 3)
  }

  @Test(arguments: [
    ("a.conll", "a\nb\n", "line 1: has one column"),
    ("a.conll", "a X\nb\n", "line 2: has 1 column, and the first row has 2"),
    ("a.conll", "a\tX\nb\t\n", "line 2: has no label"),
    ("a.conll", "a\tX\n \tY\n", "line 2: has no word"),
    ("a.conll", "\n\n", "there is no word in it"),
    ("a.jsonl", "{\"tokens\": [\"a\"], \"labels\": []}", "has 1 words and 0 labels"),
    ("a.jsonl", "{\"words\": [\"a\"]}", "expected a list \"tokens\", found none"),
    ("a.jsonl", "{\"tokens\": [1], \"labels\": [1]}", "line 1, word 1: expected a string"),
    ("a.jsonl", "{\"tokens\": [\"a\"], \"labels\": [null]}", "line 1, word 1: has no label"),
    ("a.jsonl", "{\"tokens\": [\"a\"", "not JSON"),
  ])
  func faultyFilesNameTheirPlace(name: String, content: String, expected: String) throws {
    let folder = try DataFolder(name, content)
    let said = SequenceData.complaint(request(folder.path))
    #expect(said.contains(expected), "\(said)")
  }

  @Test(arguments: [
    ("3", "2", "data.text is \"3\", expected the number of one of its 2 columns"),
    ("x", nil, "data.text is \"x\""), ("-1", nil, "data.text and data.label name the same column"),
  ])
  func columnsThatAreNotThereAreRefused(words: String, tags: String?, expected: String) throws {
    let folder = try DataFolder("a.conll", "a X\n")
    var request = request(folder.path)
    request.text?.words = words
    request.text?.tags = tags
    let said = SequenceData.complaint(request)
    #expect(said.contains(expected), "\(said)")
  }
}
