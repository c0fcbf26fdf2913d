import Batches
import Corpora
import Datasets
import Foundation
import Records
import Tasks
import Testing
import TextSequences

/// Texts become sequences of tokens, from every form of file.
@Suite struct TextDataTests {
  private func request(
    _ path: String, _ kind: Tokenizer.Kind, window: Int = 32
  ) -> SequenceRequest {
    var request = SequenceRequest(
      task: TaskName.classification.description.ofTokens, rows: 4, window: window, seed: 1)
    request.train = path
    request.text = TextRequest(learning: Tokenizer.Learning(kind))
    return request
  }

  @Test func textsOfClassesThatTheModelLacksAreCountedWhereTheyMayBe() throws {
    let folder = try DataFolder("a.csv", "text,label\none two,a\ntwo,b\none,a\n")
    let data = try SequenceData(opening: request(folder.path, .word))
    let other = try DataFolder("b.csv", "text,label\none,z\ntwo,a\none three,b\ntwo,y\ntwo,z\n")
    var request = request(other.path, .word)
    request.valid = other.path
    func read() throws -> SequenceData {
      try SequenceData(opening: request, frame: data.frame, tokenizer: data.tokenizer)
    }
    #expect { _ = try read() } throws: { "\($0)".contains("class \"z\" does not occur") }
    request.countsUnknownClasses = true
    let found = try read()
    let unknown = try #require(found.summary.unknownClasses)
    #expect(unknown.words.hasPrefix("3 texts of 2 classes that the model lacks (\"y\", \"z\")"))
    #expect(found.training.targetCount(beforeBatch: found.training.batchCount) == 2)
    // What the texts that are left hold.
    #expect((found.validationTokens.tokens, found.validationTokens.unknown) == (3, 1))
  }

  @Test(arguments: [
    (
      "a.csv",
      "id,label,text\n1,good,\"well, \"\"done\"\"\nindeed\"\n2,bad,no\n\n3,good,yes\n"
    ),
    ("a.tsv", "text\tlabel\nwell, \"done\"\tgood\nno\tbad\nyes\tgood\n"),
    (
      "a.jsonl",
      #"{"text": "well, \"done\"", "label": "good"}"# + "\n"
        + #"{"label": "bad", "text": "no"}"# + "\n\n" + #"{"text": "yes", "label": "good"}"#
    ),
  ])
  func tablesAndLinesOfJSONAreRead(name: String, content: String) throws {
    let folder = try DataFolder(name, content)
    let data = try SequenceData(opening: request(folder.path, .character))
    #expect(data.frame?.classes == ["bad", "good"])
    #expect(data.frame?.columns == [])
    #expect(data.features == nil)
    #expect(data.outputs == 2)
    #expect(data.tokenizer?.kind == .character)
    #expect(data.words.contains("3 training texts of 2 to "), "\(data.words)")
    #expect(data.line("classes").contains("\"bad\" 1, \"good\" 2"), "\(data.line("classes"))")
    #expect(data.line("columns") == "")
  }

  @Test func directoriesAreReadByClass() throws {
    let files = try DataFolder("train/up.txt", in: ["train/up.txt": "one\n\ntwo words\r\nx",
      "train/down.list.txt": "three\n", "train/.hidden": "z"])
    let data = try SequenceData(opening: request(files.url.path + "/train", .word))
    #expect(data.frame?.classes == ["down.list", "up"])
    #expect(data.line("data").contains("4 texts"), "\(data.line("data"))")
    #expect(data.line("data").hasSuffix("a file a class, a text a line"))
    #expect(
      data.line("remark") == "hidden files are left out: 1 | blank lines are left out: 1")
    // <unk>, <eos>, one, two, words, x, three
    #expect(data.tokenizer?.vocabularySize == 7)

    let folders = try DataFolder("train/up/1.txt", in: ["train/up/1.txt": "one\ntwo",
      "train/up/2.txt": "two", "train/down/a.txt": "three", "train/README": "words",
      "train/down/empty": ""])
    let other = try SequenceData(opening: request(folders.url.path + "/train", .byte))
    #expect(other.frame?.classes == ["down", "up"])
    #expect(other.line("data").hasSuffix("a folder a class, a text a file"))
    #expect(other.words.contains("3 training texts of 3 to 7 tokens"), "\(other.words)")
    #expect(other.line("remark").contains("left out: \"README\""))
    #expect(other.line("remark").contains("\"down\": left out: 1 empty"))
  }

  /// What editors leave beside a file is no class of its own.
  @Test func copiesOfFilesAreNoClasses() throws {
    let files = try DataFolder("t/up.txt", in: ["t/up.txt": "one\ntwo\n", "t/down.txt": "three\n",
      "t/up.txt~": "old", "t/down.bak": "old", "t/.up.txt.swp": "z", "t/x.SWP": "z",
      "t/#up.txt#": "z"])
    let data = try SequenceData(opening: request(files.url.path + "/t", .word))
    #expect(data.frame?.classes == ["down", "up"])
    #expect(
      data.line("remark")
        == "hidden files are left out: 1 | files that editors leave behind are no classes, and are "
        + "left out: \"#up.txt#\", \"down.bak\", \"up.txt~\", \"x.SWP\"")
  }

  @Test func linesMayEndInCarriageReturnsAlone() throws {
    let files = try DataFolder(
      "t/up.txt", in: ["t/up.txt": "one\rtwo words\r\rx", "t/down.txt": "a\nb\rc\n"])
    let data = try SequenceData(opening: request(files.url.path + "/t", .word))
    // A file that has line feeds has no other line ends.
    #expect(data.line("classes").contains("\"down\" 2, \"up\" 3"), "\(data.line("classes"))")
    #expect(data.line("remark") == "blank lines are left out: 1")
    let lines = try DataFolder(
      "a.jsonl", #"{"text": "a", "label": "x"}"# + "\r" + #"{"text": "b", "label": "y"}"# + "\r")
    #expect(try SequenceData(opening: request(lines.path, .word)).frame?.classes == ["x", "y"])
  }

  @Test func classesThatLookAlikeAreRemarkedOn() throws {
    let folder = try DataFolder(
      "a.csv", "text,label\na,Good\nb,good\nc,bad\nd,very bad\ne,Very  bad\n")
    let data = try SequenceData(opening: request(folder.path, .word))
    func remark(_ names: String) -> String {
      "classes that differ by case or blanks alone: \(names); if they are one, write them alike"
    }
    #expect(
      data.line("remark")
        == [remark(#""Good", "good""#), remark(#""Very  bad", "very bad""#)]
        .joined(separator: " | "))
  }

  @Test func keysOfTablesHaveNoEffectOnDirectories() throws {
    let files = try DataFolder("t/up", in: ["t/up": "one\n", "t/down": "two\n"])
    let path = files.url.path + "/t"
    for (key, change) in [
      ("data.text", { $0.text?.column = "words" }), ("data.label", { $0.labelColumn = "kind" }),
      ("data.header", { $0.hasHeader = false }), ("data.decimal", { $0.decimal = "," }),
    ] as [(String, (inout SequenceRequest) -> Void)] {
      var changed = request(path, .word)
      change(&changed)
      let error = #expect(throws: DataFileError.self) { try SequenceData(opening: changed) }
      #expect("\(error.map { "\($0)" } ?? "")".contains("\(key) is for tables"))
      // A model of a table may be measured on a directory.
      changed.growsWindow = true
      #expect(throws: Never.self) { try SequenceData(opening: changed) }
    }
  }

  /// Names and contents of the files tell data apart, and the directory's own name does not.
  @Test func fingerprintsAreThoseOfNamesAndContents() throws {
    func fingerprint(_ files: [String: String], _ folder: String) throws -> String {
      let place = try DataFolder("x", in: files)
      return try SequenceData(opening: request("\(place.url.path)/\(folder)", .byte)).fingerprint
    }
    let first = try fingerprint(["a/u": "1\n2\n", "a/v": "3"], "a")
    #expect(try fingerprint(["b/u": "1\n2\n", "b/v": "3"], "b") == first)
    #expect(try fingerprint(["a/u": "1\n2\n", "a/w": "3"], "a") != first)
    #expect(try fingerprint(["a/u": "1\n2\n", "a/v": "4"], "a") != first)
  }

  /// The vocabulary is that of the texts that train, and what others have is unknown and said.
  @Test func unknownTokensAreCounted() throws {
    let train = try DataFolder("a.csv", "text,label\nab,0\nba,1\n")
    let valid = try DataFolder("b.csv", "text,label\nabc,0\ncd,1\nbb,1\n")
    var request = request(train.path, .character)
    request.valid = valid.path
    let data = try SequenceData(opening: request)
    #expect(data.tokenizer?.vocabularySize == 3)
    #expect(data.validationTokens.tokens == 7)
    #expect(data.validationTokens.unknown == 3)
    #expect(data.line("tokens").contains("unknown are 0.0 % of the former, 42.9 % of the latter"))
    #expect(data.summary.json["unknown_validation_tokens"] == 3)

    request.valid = nil
    request.validFraction = 0.5
    let split = try SequenceData(opening: request)
    #expect(split.validationTokens.tokens == 2)
    let text = split.line("classes")
    #expect(text.contains("without any to validate on: "), "\(text)")
    #expect(text.contains("without any to train on: "), "\(text)")
  }

  /// A checkpoint's vocabulary and classes read other data.
  @Test func learntVocabulariesAreKept() throws {
    let train = try DataFolder("a.csv", "text,label\nab,no\nba,yes\n")
    let other = try DataFolder("b.csv", "text,label\nxaby,yes\n")
    let learnt = try SequenceData(opening: request(train.path, .character))
    let data = try SequenceData(opening: 
      request(other.path, .character), frame: learnt.frame, tokenizer: learnt.tokenizer)
    #expect(data.tokenizer == learnt.tokenizer)
    #expect(data.frame?.classes == ["no", "yes"])
    #expect(data.outputs == 2)
  }

  @Test func longTextsAreAnErrorOrAreCut() throws {
    let folder = try DataFolder(
      "a.csv", "text,label\nabcdefgh,0\nxy,1\nabcdef,1\n")
    var request = request(folder.path, .character, window: 4)
    #expect(
      SequenceData.complaint(request).contains(
        "line 2: the longest text has 8 tokens, batch.window is 4, and 2 texts are longer"))
    #expect(SequenceData.complaint(request).contains("data.truncate"))
    for (truncation, kept) in [(TextTruncation.end, "abcd"), (.start, "efgh")] {
      request.text?.truncation = truncation
      request.rows = 1
      let data = try SequenceData(opening: request)
      #expect(data.line("remark").contains("of 2 texts the \(truncation.rawValue) is left out"))
      #expect(data.line("remark").hasSuffix("6 tokens"))
      let inputs = try firstRows(data, window: 4)
      let tokens = try #require(data.tokenizer).encode(kept)
      #expect(inputs.contains(tokens), "\(inputs)")
    }
  }

  /// The tokens of all rows of an epoch.
  private func firstRows(_ data: SequenceData, window: Int) throws -> [[Int32]] {
    let slots = data.slots
    var inputs = [Int32](repeating: -7, count: window)
    var targets = [Int32](repeating: -7, count: slots)
    var starts = targets
    var ends = targets
    return (0..<data.training.batchCount).map { batch in
      inputs.withUnsafeMutableBufferPointer { inputs in
        targets.withUnsafeMutableBufferPointer { targets in
          starts.withUnsafeMutableBufferPointer { starts in
            ends.withUnsafeMutableBufferPointer { ends in
              let buffers = BatchBuffers(
                sequences: 0..<1, window: window, inputs: inputs.baseAddress!, inputValues: nil,
                inputStride: 0, targets: targets.baseAddress!, targetValues: nil, targetStride: 0,
                slotCount: slots, slotStarts: starts.baseAddress!, slotEnds: ends.baseAddress!,
                isEveryStepRead: false)
              data.training.fill(buffers, batch: batch)
            }
          }
        }
        return Array(inputs)
      }
    }
  }

  /// Steps that no text fills have the same token whatever the batch before had there.
  @Test func emptyStepsAreCleared() throws {
    let folder = try DataFolder(
      "a.csv", "text,label\nab,0\n")
    let data = try SequenceData(opening: request(folder.path, .byte, window: 5))
    #expect(try firstRows(data, window: 5) == [[97, 98, 0, 0, 0]])
  }

  @Test(arguments: [
    ("a.csv", "words,label\nx,0\n", "there is no column \"text\", which data.text names"),
    ("a.csv", "text,class\nx,0\n", "there is no column \"label\", which data.label names"),
    ("a.csv", "text,label\nx,0\ny, \n", "line 3: has no label"),
    ("a.csv", "text,label\nx,0\n\"\",1\n", "line 3: has a text without a token; give it one"),
    (
      "a.csv", "text,label\n,0\nx,0\n\" \",1\n,0\n",
      "line 2: has a text without a token, as have 2 more of 4: line 4, line 5; give each one"
    ),
    (
      "a.jsonl", "{\"text\": null, \"label\": 1}\n{\"text\": \"\", \"label\": 1}",
      "line 1: has a text without a token, as has 1 more of 2: line 2; give each one, take them "
        + "out of the file, or set data.missing to \"drop\""
    ),
    ("a.csv", "text,label\nx,0\na, b,1\n", "line 3: has 3 fields, the header has 2"),
    ("a.csv", "text,label\n\"x,0\n", "line 2: a quote is opened here and never closed"),
    ("a.csv", "text,label\n", "there is no text in it"),
    ("a.jsonl", "{\"text\": 3, \"label\": 1}", "line 1: expected a string \"text\", found"),
    ("a.jsonl", "{\"body\": \"x\", \"label\": 1}", "the members are \"body\", \"label\""),
    ("a.jsonl", "{\"text\": \"x\"}", "line 1: has no label, \"label\""),
    ("a.jsonl", "[1]", "line 1: expected an object"),
    ("a.jsonl", "{\"text\": \"x\", }", "line 1, column 15: not JSON"),
    ("a.ts", "@data\n1,2:a\n", "its format is ts, which holds no texts"),
    ("a.txt", "x\n", "its name does not tell the format"),
  ])
  func faultyFilesNameTheirPlace(name: String, content: String, expected: String) throws {
    let folder = try DataFolder(name, content)
    let said = SequenceData.complaint(request(folder.path, .word))
    #expect(said.contains(expected), "\(said)")
  }

  @Test(arguments: [
    ("a.csv", "text,label\n,0\nx,0\n\" \",1\n\" \",\ny,1\n"),
    (
      "a.jsonl",
      #"{"text": null, "label": 0}\#n{"text": "x", "label": 0}\#n{"text": " ", "label": 1}\#n"#
        + #"{"text": ""}\#n{"text": "y", "label": 1}"#
    ),
  ])
  func textsWithoutAnythingAreLeftOutOnRequest(name: String, content: String) throws {
    let folder = try DataFolder(name, content)
    for tokenizer in [Tokenizer.Kind.word, .byte] {
      var request = request(folder.path, tokenizer)
      request.missing = .drop
      let data = try SequenceData(opening: request)
      #expect(data.frame?.classes == ["0", "1"])
      #expect(data.line("training").hasPrefix("2 training texts"), "\(data.line("training"))")
      #expect(data.line("remark").contains("texts without anything in them are left out: 3"))
    }
  }

  @Test func emptyFilesOfFoldersAreLeftOutOnRequest() throws {
    let place = try DataFolder(
      "x", in: ["d/a/1": "x", "d/a/2": "  ", "d/b/1": "y", "d/b/2": " "])
    var request = request(place.url.path + "/d", .word)
    #expect(SequenceData.complaint(request).contains("as has 1 more of 4: "))
    request.missing = .drop
    let data = try SequenceData(opening: request)
    #expect(data.line("training").hasPrefix("2 training texts"), "\(data.line("training"))")
    #expect(data.line("remark").contains("texts without anything in them are left out: 2"))
  }

  @Test(arguments: [
    (["d/a.txt": "x", "d/a.md": "y"], "the files \"a.md\" and \"a.txt\" are of one class, \"a\""),
    (["d/a/1": "x", "d/b/.x": "y"], "is a folder of a class without a text"),
    (["d/.x": "x"], "is an empty directory"),
    (["d/a.txt": ""], "d/a.txt': is empty"),
    (["d/a.txt": "\n\n"], "there is no text in it"),
  ])
  func faultyDirectoriesAreRefused(files: [String: String], expected: String) throws {
    let place = try DataFolder("x", in: files)
    let said = SequenceData.complaint(request(place.url.path + "/d", .byte))
    #expect(said.contains(expected), "\(said)")
  }

  @Test func bytesThatAreNoTextAreNamed() throws {
    let folder = try DataFolder("a.csv", Array("text,label\nx,0\ncaf".utf8) + [0xE9, 0x2C, 0x31])
    let said = SequenceData.complaint(request(folder.path, .byte))
    #expect(said.contains("line 3, byte 4: 0xE9 is no text in UTF-8"), "\(said)")
  }
}

extension DataFolder {
  /// A folder with several files, by their paths in it.
  convenience init(_ name: String, in files: [String: String]) throws {
    try self.init("unused", "")
    for (path, content) in files {
      let file = url.appendingPathComponent(path)
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(content.utf8).write(to: file)
    }
  }
}
