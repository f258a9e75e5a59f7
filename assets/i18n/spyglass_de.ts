<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>Region</name>
    <message>
        <source>Draw a rectangle around the part of the screen; Escape to give up</source>
        <translation>Ziehen Sie ein Rechteck um den Teil des Bildschirms; Esc bricht ab</translation>
    </message>
</context>
<context>
    <name>Wording</name>
    <message>
        <source>The camera sends something that is not a picture.</source>
        <translation>Die Kamera sendet etwas, das kein Bild ist.</translation>
    </message>
    <message>
        <source>Use another camera.</source>
        <translation>Verwenden Sie eine andere Kamera.</translation>
    </message>
    <message>
        <source>Opening the camera</source>
        <translation>Die Kamera wird geöffnet</translation>
    </message>
    <message>
        <source>The camera has sent no picture for {seconds} seconds.</source>
        <translation>Die Kamera hat seit {seconds} Sekunden kein Bild gesendet.</translation>
    </message>
    <message>
        <source>Check its cable or its network.</source>
        <translation>Prüfen Sie ihr Kabel oder ihr Netz.</translation>
    </message>
    <message>
        <source>The camera cannot be read.</source>
        <translation>Die Kamera kann nicht gelesen werden.</translation>
    </message>
    <message>
        <source>Unplug it and plug it in again.</source>
        <translation>Ziehen Sie sie ab und stecken Sie sie wieder an.</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>Live</translation>
    </message>
    <message>
        <source>The camera is off</source>
        <translation>Die Kamera ist aus</translation>
    </message>
    <message>
        <source>The video has ended</source>
        <translation>Das Video ist zu Ende</translation>
    </message>
    <message>
        <source>Opening the camera again</source>
        <translation>Die Kamera wird wieder geöffnet</translation>
    </message>
    <message>
        <source>There is nothing to save yet.</source>
        <translation>Es gibt noch nichts zu speichern.</translation>
    </message>
    <message>
        <source>Wait until the camera shows a picture.</source>
        <translation>Warten Sie, bis die Kamera ein Bild zeigt.</translation>
    </message>
    <message>
        <source>The clip could not be saved.</source>
        <translation>Der Clip konnte nicht gespeichert werden.</translation>
    </message>
    <message>
        <source>Check that the folder can be written.</source>
        <translation>Prüfen Sie, ob in den Ordner geschrieben werden kann.</translation>
    </message>
    <message>
        <source>Open a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP, JPEG 2000 or PPM picture.</source>
        <translation>Öffnen Sie ein Bild in JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP, JPEG 2000 oder PPM.</translation>
    </message>
    <message>
        <source>{name} is not a picture that Spyglass can read.</source>
        <translation>{name} ist kein Bild, das Spyglass lesen kann.</translation>
    </message>
    <message>
        <source>Spyglass does not fetch pictures from addresses.</source>
        <translation>Spyglass lädt keine Bilder von Adressen.</translation>
    </message>
    <message>
        <source>Save the picture to a file and open that.</source>
        <translation>Speichern Sie das Bild in eine Datei und öffnen Sie diese.</translation>
    </message>
    <message>
        <source>Choose another picture.</source>
        <translation>Wählen Sie ein anderes Bild.</translation>
    </message>
    <message>
        <source>Save the picture smaller.</source>
        <translation>Speichern Sie das Bild kleiner.</translation>
    </message>
    <message>
        <source>Choose a picture inside it.</source>
        <translation>Wählen Sie ein Bild darin.</translation>
    </message>
    <message>
        <source>Choose a picture file.</source>
        <translation>Wählen Sie eine Bilddatei.</translation>
    </message>
    <message>
        <source>{name} is an SVG drawing, which has no pixels.</source>
        <translation>{name} ist eine SVG-Zeichnung; die hat keine Pixel.</translation>
    </message>
    <message>
        <source>{name} is a PDF document.</source>
        <translation>{name} ist ein PDF-Dokument.</translation>
    </message>
    <message>
        <source>{name} has {width} x {height} = {millions:.0f} million pixels; {most:.0f} are the most.</source>
        <translation>{name} hat {width} × {height} = {millions:.0f} Millionen Pixel; höchstens {most:.0f} sind möglich.</translation>
    </message>
    <message>
        <source>Check its name and folder.</source>
        <translation>Prüfen Sie Namen und Ordner.</translation>
    </message>
    <message>
        <source>Change its permissions or copy it.</source>
        <translation>Ändern Sie die Zugriffsrechte oder kopieren Sie die Datei.</translation>
    </message>
    <message>
        <source>Check the path and the disk.</source>
        <translation>Prüfen Sie den Pfad und den Datenträger.</translation>
    </message>
    <message>
        <source>{name} is empty.</source>
        <translation>{name} ist leer.</translation>
    </message>
    <message>
        <source>{name} has more than {size} MiB.</source>
        <translation>{name} hat mehr als {size} MiB.</translation>
    </message>
    <message>
        <source>Get it again, or save it anew in another program.</source>
        <translation>Beschaffen Sie es noch einmal, oder speichern Sie es in einem anderen Programm neu.</translation>
    </message>
    <message>
        <source>{name} is a folder.</source>
        <translation>{name} ist ein Ordner.</translation>
    </message>
    <message>
        <source>{name} is a pipe or a device, not a file.</source>
        <translation>{name} ist eine Pipe oder ein Gerät, keine Datei.</translation>
    </message>
    <message>
        <source>Open it in another program and save it there as a PNG picture.</source>
        <translation>Öffnen Sie sie in einem anderen Programm und speichern Sie sie dort als PNG-Bild.</translation>
    </message>
    <message>
        <source>Open it in another program and save the page there as a PNG picture.</source>
        <translation>Öffnen Sie es in einem anderen Programm und speichern Sie dort die Seite als PNG-Bild.</translation>
    </message>
    <message>
        <source>There is no file {name}.</source>
        <translation>Es gibt keine Datei {name}.</translation>
    </message>
    <message>
        <source>You may not read {name}.</source>
        <translation>Sie dürfen {name} nicht lesen.</translation>
    </message>
    <message>
        <source>{name} cannot be read.</source>
        <translation>{name} kann nicht gelesen werden.</translation>
    </message>
    <message>
        <source>{name} is damaged or cut short.</source>
        <translation>{name} ist beschädigt oder abgeschnitten.</translation>
    </message>
    <message>
        <source>The camera shows only black. Is it covered?</source>
        <translation>Die Kamera zeigt nur Schwarz. Ist sie abgedeckt?</translation>
    </message>
    <message>
        <source>It is too dark.</source>
        <translation>Es ist zu dunkel.</translation>
    </message>
    <message>
        <source>It is too bright.</source>
        <translation>Es ist zu hell.</translation>
    </message>
    <message>
        <source>Out of focus. Hold still, or move back a little.</source>
        <translation>Unscharf. Halten Sie still, oder gehen Sie etwas zurück.</translation>
    </message>
    <message>
        <source>Hold still.</source>
        <translation>Halten Sie still.</translation>
    </message>
    <message>
        <source>Nothing has changed.</source>
        <translation>Nichts hat sich verändert.</translation>
    </message>
    <message>
        <source>This desktop lets no program look at the screen by itself.</source>
        <translation>Diese Arbeitsumgebung lässt kein Programm von sich aus auf den Bildschirm sehen.</translation>
    </message>
    <message>
        <source>Take a screenshot with the desktop&apos;s own key and paste it here.</source>
        <translation>Nehmen Sie mit der Taste Ihrer Arbeitsumgebung ein Bildschirmfoto auf und fügen Sie es hier ein.</translation>
    </message>
    <message>
        <source>The screen cannot be seen.</source>
        <translation>Der Bildschirm ist nicht zu sehen.</translation>
    </message>
    <message>
        <source>Take a screenshot and paste it here.</source>
        <translation>Nehmen Sie ein Bildschirmfoto auf und fügen Sie es hier ein.</translation>
    </message>
    <message>
        <source>Check the name, or name a camera instead.</source>
        <translation>Prüfen Sie den Namen, oder geben Sie stattdessen eine Kamera an.</translation>
    </message>
    <message>
        <source>There is no file or folder &quot;{name}&quot;.</source>
        <translation>Es gibt keine Datei und keinen Ordner „{name}“.</translation>
    </message>
    <message>
        <source>Close other programs that use the camera, or unplug it and plug it in again.</source>
        <translation>Schließen Sie andere Programme, die die Kamera benutzen, oder ziehen Sie sie ab und stecken Sie sie wieder an.</translation>
    </message>
    <message>
        <source>Add your account to the group &quot;video&quot; and log in again.</source>
        <translation>Fügen Sie Ihr Konto der Gruppe „video“ hinzu und melden Sie sich neu an.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; stopped delivering.</source>
        <translation>Die Kamera „{name}“ liefert nichts mehr.</translation>
    </message>
    <message>
        <source>Check its cable, or plug it in again.</source>
        <translation>Prüfen Sie ihr Kabel, oder stecken Sie sie neu an.</translation>
    </message>
    <message>
        <source>No camera was found.</source>
        <translation>Es wurde keine Kamera gefunden.</translation>
    </message>
    <message>
        <source>Plug one in, or give a video file or the address of a network camera.</source>
        <translation>Schließen Sie eine an, oder geben Sie eine Videodatei oder die Adresse einer Netzwerkkamera an.</translation>
    </message>
    <message>
        <source>There is no camera called &quot;{name}&quot;.</source>
        <translation>Es gibt keine Kamera mit dem Namen „{name}“.</translation>
    </message>
    <message>
        <source>Plug it in, or use one of these: {names}.</source>
        <translation>Schließen Sie sie an, oder nehmen Sie eine von diesen: {names}.</translation>
    </message>
    <message>
        <source>Plug it in.</source>
        <translation>Schließen Sie sie an.</translation>
    </message>
    <message>
        <source>Allow it under Settings, Privacy &amp; security, Camera.</source>
        <translation>Erlauben Sie es unter Einstellungen, Datenschutz und Sicherheit, Kamera.</translation>
    </message>
    <message>
        <source>Allow it under System Settings, Privacy &amp; Security, Camera.</source>
        <translation>Erlauben Sie es unter Systemeinstellungen, Datenschutz &amp; Sicherheit, Kamera.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; could not be opened.</source>
        <translation>Die Kamera „{name}“ konnte nicht geöffnet werden.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; is not there.</source>
        <translation>Die Kamera „{name}“ ist nicht da.</translation>
    </message>
    <message>
        <source>This account may not use the camera &quot;{name}&quot;.</source>
        <translation>Dieses Konto darf die Kamera „{name}“ nicht benutzen.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; was unplugged.</source>
        <translation>Die Kamera „{name}“ wurde abgezogen.</translation>
    </message>
    <message>
        <source>Plug it in again.</source>
        <translation>Schließen Sie sie wieder an.</translation>
    </message>
    <message>
        <source>{one} {other}</source>
        <translation>{one} {other}</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; is busy.</source>
        <translation>Die Kamera „{name}“ ist belegt.</translation>
    </message>
    <message>
        <source>Take it out of the folder.</source>
        <translation>Nehmen Sie es aus dem Ordner.</translation>
    </message>
    <message>
        <source>Try another file.</source>
        <translation>Versuchen Sie es mit einer anderen Datei.</translation>
    </message>
    <message>
        <source>Choose a folder of JPEG or PNG files.</source>
        <translation>Wählen Sie einen Ordner mit JPEG- oder PNG-Dateien.</translation>
    </message>
    <message>
        <source>&quot;{name}&quot; is not a picture that can be read.</source>
        <translation>„{name}“ ist kein lesbares Bild.</translation>
    </message>
    <message>
        <source>&quot;{name}&quot; is not a video that can be read.</source>
        <translation>„{name}“ ist kein lesbares Video.</translation>
    </message>
    <message>
        <source>There is no picture in &quot;{name}&quot;.</source>
        <translation>In „{name}“ ist kein Bild.</translation>
    </message>
    <message>
        <source>Give an address that starts with rtsp:// or http://.</source>
        <translation>Geben Sie eine Adresse an, die mit rtsp:// oder http:// beginnt.</translation>
    </message>
    <message>
        <source>The address of the stream names no machine.</source>
        <translation>Die Adresse des Streams nennt keinen Rechner.</translation>
    </message>
    <message>
        <source>Write it like http://192.168.0.20:8080/video.</source>
        <translation>Schreiben Sie sie so: http://192.168.0.20:8080/video.</translation>
    </message>
    <message>
        <source>The stream from {host} broke off.</source>
        <translation>Der Stream von {host} ist abgebrochen.</translation>
    </message>
    <message>
        <source>Check that the camera is on and in reach.</source>
        <translation>Prüfen Sie, ob die Kamera an und in Reichweite ist.</translation>
    </message>
    <message>
        <source>Write the address like http://name:password@host/.</source>
        <translation>Schreiben Sie die Adresse so: http://name:kennwort@rechner/.</translation>
    </message>
    <message>
        <source>Spyglass cannot read &quot;{scheme}&quot; streams.</source>
        <translation>Spyglass kann „{scheme}“-Streams nicht lesen.</translation>
    </message>
    <message>
        <source>Check the address, and that the camera is on and in the same network.</source>
        <translation>Prüfen Sie die Adresse und ob die Kamera an und im selben Netz ist.</translation>
    </message>
    <message>
        <source>The camera at {host} wants a password.</source>
        <translation>Die Kamera auf {host} verlangt ein Kennwort.</translation>
    </message>
    <message>
        <source>Nothing that is a video answers at {host}.</source>
        <translation>Auf {host} antwortet nichts, das ein Video ist.</translation>
    </message>
    <message>
        <source>What is typed could not be saved.</source>
        <translation>Was getippt ist, konnte nicht gespeichert werden.</translation>
    </message>
    <message>
        <source>The conversation could not be saved; it is there until the program ends.</source>
        <translation>Die Unterhaltung konnte nicht gespeichert werden; sie bleibt, bis das Programm endet.</translation>
    </message>
    <message>
        <source>Check the disk and the permissions of the folder for conversations.</source>
        <translation>Prüfen Sie den Datenträger und die Rechte des Ordners für Unterhaltungen.</translation>
    </message>
    <message>
        <source>This conversation cannot be read.</source>
        <translation>Diese Unterhaltung lässt sich nicht lesen.</translation>
    </message>
    <message>
        <source>Choose another one, or begin a new one.</source>
        <translation>Wählen Sie eine andere, oder beginnen Sie eine neue.</translation>
    </message>
    <message>
        <source>The conversation could not be deleted.</source>
        <translation>Die Unterhaltung konnte nicht gelöscht werden.</translation>
    </message>
    <message>
        <source>Check the permissions of the folder for conversations.</source>
        <translation>Prüfen Sie die Rechte des Ordners für Unterhaltungen.</translation>
    </message>
    <message>
        <source>The model computes nonsense instead of an answer.</source>
        <translation>Das Modell berechnet Unsinn statt einer Antwort.</translation>
    </message>
    <message>
        <source>Its file may be damaged: download or convert it again.</source>
        <translation>Seine Datei ist vielleicht beschädigt: Laden Sie sie neu oder wandeln Sie sie neu um.</translation>
    </message>
    <message>
        <source>The engine ran out of memory.</source>
        <translation>Der Engine ist der Speicher ausgegangen.</translation>
    </message>
    <message>
        <source>Choose a smaller model, a shorter context or a smaller picture.</source>
        <translation>Wählen Sie ein kleineres Modell, einen kürzeren Kontext oder ein kleineres Bild.</translation>
    </message>
    <message>
        <source>The engine made an internal error.</source>
        <translation>Die Engine hat einen internen Fehler gemacht.</translation>
    </message>
    <message>
        <source>Ask again; if it happens again, please report it with the details.</source>
        <translation>Fragen Sie noch einmal; wenn es wieder geschieht, melden Sie es bitte mit den Einzelheiten.</translation>
    </message>
    <message>
        <source>The engine has been closed.</source>
        <translation>Die Engine ist geschlossen.</translation>
    </message>
    <message>
        <source>Start Spyglass again.</source>
        <translation>Starten Sie Spyglass neu.</translation>
    </message>
    <message>
        <source>The question cannot be handed to the engine.</source>
        <translation>Die Frage kann der Engine nicht übergeben werden.</translation>
    </message>
    <message>
        <source>Ask with smaller pictures or in a new conversation.</source>
        <translation>Fragen Sie mit kleineren Bildern oder in einer neuen Unterhaltung.</translation>
    </message>
    <message>
        <source>The engine&apos;s client failed.</source>
        <translation>Die Verbindung zur Engine ist ausgefallen.</translation>
    </message>
    <message>
        <source>Ask again; if it happens again with this model, its file may be damaged or too new: try another model.</source>
        <translation>Fragen Sie noch einmal; wenn es mit diesem Modell wieder geschieht, ist seine Datei vielleicht beschädigt oder zu neu: Versuchen Sie es mit einem anderen.</translation>
    </message>
    <message>
        <source>Close other programs, or choose a smaller model or a shorter context, and ask again.</source>
        <translation>Schließen Sie andere Programme, oder wählen Sie ein kleineres Modell oder einen kürzeren Kontext, und fragen Sie noch einmal.</translation>
    </message>
    <message>
        <source>Start Spyglass again; if that does not help, install it again.</source>
        <translation>Starten Sie Spyglass neu; wenn das nicht hilft, installieren Sie es neu.</translation>
    </message>
    <message>
        <source>The engine sent something that makes no sense and was ended.</source>
        <translation>Die Engine hat Unverständliches gesendet und wurde beendet.</translation>
    </message>
    <message>
        <source>The engine stopped responding and was ended.</source>
        <translation>Die Engine hat nicht mehr geantwortet und wurde beendet.</translation>
    </message>
    <message>
        <source>The engine made no progress for a long time and was ended.</source>
        <translation>Die Engine kam lange nicht voran und wurde beendet.</translation>
    </message>
    <message>
        <source>The engine used more memory than it is allowed and was ended.</source>
        <translation>Die Engine hat mehr Speicher benutzt, als sie darf, und wurde beendet.</translation>
    </message>
    <message>
        <source>Spyglass was updated while it was running.</source>
        <translation>Spyglass wurde aktualisiert, während es lief.</translation>
    </message>
    <message>
        <source>Close Spyglass and start it again.</source>
        <translation>Schließen Sie Spyglass und starten Sie es neu.</translation>
    </message>
    <message>
        <source>The engine could not be started.</source>
        <translation>Die Engine konnte nicht gestartet werden.</translation>
    </message>
    <message>
        <source>The engine was ended by the system, most likely because memory ran out.</source>
        <translation>Das System hat die Engine beendet, wahrscheinlich weil der Speicher ausging.</translation>
    </message>
    <message>
        <source>The engine could not get the memory it needed.</source>
        <translation>Die Engine bekam den Speicher nicht, den sie brauchte.</translation>
    </message>
    <message>
        <source>The engine crashed in its native code.</source>
        <translation>Die Engine ist in ihrem nativen Code abgestürzt.</translation>
    </message>
    <message>
        <source>The engine ended itself because one of its internal checks failed.</source>
        <translation>Die Engine hat sich beendet, weil eine ihrer inneren Prüfungen fehlschlug.</translation>
    </message>
    <message>
        <source>The engine ended itself, most likely because it could not get more memory.</source>
        <translation>Die Engine hat sich beendet, wahrscheinlich weil sie nicht mehr Speicher bekam.</translation>
    </message>
    <message>
        <source>The engine was built for a newer processor than the one in this computer.</source>
        <translation>Die Engine ist für einen neueren Prozessor gebaut als den dieses Computers.</translation>
    </message>
    <message>
        <source>Install the build of Spyglass that runs on every processor.</source>
        <translation>Installieren Sie die Fassung von Spyglass, die auf jedem Prozessor läuft.</translation>
    </message>
    <message>
        <source>The engine could not read on in the model file: the file became shorter or its disk failed.</source>
        <translation>Die Engine konnte die Modelldatei nicht weiterlesen: Die Datei wurde kürzer, oder ihr Datenträger fiel aus.</translation>
    </message>
    <message>
        <source>Check the disk, then download or copy the model again.</source>
        <translation>Prüfen Sie den Datenträger, und laden oder kopieren Sie das Modell dann neu.</translation>
    </message>
    <message>
        <source>A library that the engine needs is missing or does not fit this system.</source>
        <translation>Eine Bibliothek, die die Engine braucht, fehlt oder passt nicht zu diesem System.</translation>
    </message>
    <message>
        <source>The engine was stopped from outside Spyglass.</source>
        <translation>Die Engine wurde von außerhalb angehalten.</translation>
    </message>
    <message>
        <source>Ask again; the engine starts anew by itself.</source>
        <translation>Fragen Sie noch einmal; die Engine startet von selbst neu.</translation>
    </message>
    <message>
        <source>The engine ended unexpectedly.</source>
        <translation>Die Engine hat unerwartet geendet.</translation>
    </message>
    <message>
        <source>A quantised KV cache needs flash attention.</source>
        <translation>Ein quantisierter KV-Cache braucht Flash Attention.</translation>
    </message>
    <message>
        <source>Turn it on, or choose the f16 cache.</source>
        <translation>Schalten Sie sie ein, oder wählen Sie den f16-Cache.</translation>
    </message>
    <message>
        <source>The prompt is empty.</source>
        <translation>Der Prompt ist leer.</translation>
    </message>
    <message>
        <source>Write one.</source>
        <translation>Schreiben Sie einen.</translation>
    </message>
    <message>
        <source>Give one picture a mark.</source>
        <translation>Geben Sie jedem Bild eine Marke.</translation>
    </message>
    <message>
        <source>The prompt shows {marks} pictures, but there are {count}.</source>
        <translation>Der Prompt zeigt {marks} Bilder, es gibt aber {count}.</translation>
    </message>
    <message>
        <source>Choose a model of that kind, or let the program choose how to run this one.</source>
        <translation>Wählen Sie ein Modell dieser Art, oder lassen Sie das Programm wählen, wie dieses läuft.</translation>
    </message>
    <message>
        <source>Join the parts with llama-gguf-split --merge.</source>
        <translation>Fügen Sie die Teile mit llama-gguf-split --merge zusammen.</translation>
    </message>
    <message>
        <source>{name} is not a Llama 3.2 Vision model.</source>
        <translation>{name} ist kein Llama-3.2-Vision-Modell.</translation>
    </message>
    <message>
        <source>{name} is one part of a model in several files.</source>
        <translation>{name} ist ein Teil eines Modells aus mehreren Dateien.</translation>
    </message>
    <message>
        <source>Download or convert the model again.</source>
        <translation>Laden Sie das Modell neu, oder wandeln Sie es neu um.</translation>
    </message>
    <message>
        <source>The sizes written in {name} contradict one another.</source>
        <translation>Die Größen, die in {name} stehen, widersprechen einander.</translation>
    </message>
    <message>
        <source>The library that runs models has no code for this processor.</source>
        <translation>Die Bibliothek, die Modelle ausführt, hat keinen Code für diesen Prozessor.</translation>
    </message>
    <message>
        <source>Install it again.</source>
        <translation>Installieren Sie sie neu.</translation>
    </message>
    <message>
        <source>The model&apos;s parts do not fit together.</source>
        <translation>Die Teile des Modells passen nicht zusammen.</translation>
    </message>
    <message>
        <source>Choose another model file.</source>
        <translation>Wählen Sie eine andere Modelldatei.</translation>
    </message>
    <message>
        <source>There is not enough memory for the computation.</source>
        <translation>Für die Berechnung ist nicht genug Speicher da.</translation>
    </message>
    <message>
        <source>Choose a smaller context or close other programs.</source>
        <translation>Wählen Sie einen kleineren Kontext, oder schließen Sie andere Programme.</translation>
    </message>
    <message>
        <source>The computation failed.</source>
        <translation>Die Berechnung ist fehlgeschlagen.</translation>
    </message>
    <message>
        <source>Try again, without the GPU if there is one.</source>
        <translation>Versuchen Sie es noch einmal, ohne die GPU, falls es eine gibt.</translation>
    </message>
    <message>
        <source>Download or convert it again; if it comes in two files, give both.</source>
        <translation>Laden Sie sie neu, oder wandeln Sie sie neu um; besteht sie aus zwei Dateien, geben Sie beide an.</translation>
    </message>
    <message>
        <source>The model file {name} is incomplete.</source>
        <translation>Die Modelldatei {name} ist unvollständig.</translation>
    </message>
    <message>
        <source>Download or convert it again.</source>
        <translation>Laden Sie sie neu, oder wandeln Sie sie neu um.</translation>
    </message>
    <message>
        <source>The model file {name} does not fit its own description.</source>
        <translation>Die Modelldatei {name} passt nicht zu ihrer eigenen Beschreibung.</translation>
    </message>
    <message>
        <source>A picture of this conversation is missing.</source>
        <translation>Ein Bild dieser Unterhaltung fehlt.</translation>
    </message>
    <message>
        <source>Add it again.</source>
        <translation>Fügen Sie es wieder hinzu.</translation>
    </message>
    <message>
        <source>Start a new conversation, or choose a larger context in the settings.</source>
        <translation>Beginnen Sie eine neue Unterhaltung, oder wählen Sie in den Einstellungen einen größeren Kontext.</translation>
    </message>
    <message>
        <source>The conversation is {tokens} tokens long, but the context holds {context}.</source>
        <translation>Die Unterhaltung ist {tokens} Token lang, der Kontext fasst aber {context}.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary does not fit its weights.</source>
        <translation>Das Vokabular des Modells passt nicht zu seinen Gewichten.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary is not Llama 3&apos;s.</source>
        <translation>Das Vokabular des Modells ist nicht das von Llama 3.</translation>
    </message>
    <message>
        <source>Use another model file.</source>
        <translation>Verwenden Sie eine andere Modelldatei.</translation>
    </message>
    <message>
        <source>Close other programs, or use fewer layers on the GPU.</source>
        <translation>Schließen Sie andere Programme, oder legen Sie weniger Schichten auf die GPU.</translation>
    </message>
    <message>
        <source>{size} MiB for the model could not be had.</source>
        <translation>{size} MiB für das Modell waren nicht zu bekommen.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary cannot read this text.</source>
        <translation>Das Vokabular des Modells kann diesen Text nicht lesen.</translation>
    </message>
    <message>
        <source>Use another model.</source>
        <translation>Verwenden Sie ein anderes Modell.</translation>
    </message>
    <message>
        <source>The vocabulary in {name} cannot be read.</source>
        <translation>Das Vokabular in {name} kann nicht gelesen werden.</translation>
    </message>
    <message>
        <source>Wait until it is complete.</source>
        <translation>Warten Sie, bis sie vollständig ist.</translation>
    </message>
    <message>
        <source>The model file {name} changed while it was being opened.</source>
        <translation>Die Modelldatei {name} hat sich geändert, während sie geöffnet wurde.</translation>
    </message>
    <message>
        <source>Choose the projector that was published with the model.</source>
        <translation>Wählen Sie den Projektor, der mit dem Modell veröffentlicht wurde.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s own file, and this one as its projector.</source>
        <translation>Wählen Sie die Datei des Modells selbst, und diese als seinen Projektor.</translation>
    </message>
    <message>
        <source>Choose the projector that belongs to the model; its name usually begins with mmproj.</source>
        <translation>Wählen Sie den Projektor, der zum Modell gehört; sein Name beginnt meist mit mmproj.</translation>
    </message>
    <message>
        <source>The projector {name} belongs to another model.</source>
        <translation>Der Projektor {name} gehört zu einem anderen Modell.</translation>
    </message>
    <message>
        <source>{name} is the vision part of a model, not the model itself.</source>
        <translation>{name} ist der Bildteil eines Modells, nicht das Modell selbst.</translation>
    </message>
    <message>
        <source>{name} is not the vision part of a model.</source>
        <translation>{name} ist nicht der Bildteil eines Modells.</translation>
    </message>
    <message>
        <source>This model cannot see pictures without its projector.</source>
        <translation>Ohne seinen Projektor kann dieses Modell keine Bilder sehen.</translation>
    </message>
    <message>
        <source>Choose its projector too: the file beside it whose name begins with mmproj.</source>
        <translation>Wählen Sie auch seinen Projektor: die Datei daneben, deren Name mit mmproj beginnt.</translation>
    </message>
    <message>
        <source>A picture of the conversation is missing.</source>
        <translation>Ein Bild der Unterhaltung fehlt.</translation>
    </message>
    <message>
        <source>Add the picture again.</source>
        <translation>Fügen Sie das Bild wieder hinzu.</translation>
    </message>
    <message>
        <source>The model&apos;s chat template ends with a picture, not with a question.</source>
        <translation>Die Chat-Vorlage des Modells endet mit einem Bild, nicht mit einer Frage.</translation>
    </message>
    <message>
        <source>Start a new conversation, show fewer or smaller pictures, or choose a larger context in the settings.</source>
        <translation>Beginnen Sie eine neue Unterhaltung, zeigen Sie weniger oder kleinere Bilder, oder wählen Sie in den Einstellungen einen größeren Kontext.</translation>
    </message>
    <message>
        <source>Start a new conversation, ask for less at once, or choose a larger context in the settings.</source>
        <translation>Beginnen Sie eine neue Unterhaltung, fragen Sie nach weniger auf einmal, oder wählen Sie in den Einstellungen einen größeren Kontext.</translation>
    </message>
    <message>
        <source>The conversation has {tokens} tokens, but the model was loaded for {context}.</source>
        <translation>Die Unterhaltung hat {tokens} Token, das Modell wurde aber für {context} geladen.</translation>
    </message>
    <message>
        <source>The model cannot prepare this picture.</source>
        <translation>Das Modell kann dieses Bild nicht vorbereiten.</translation>
    </message>
    <message>
        <source>Try another picture.</source>
        <translation>Versuchen Sie es mit einem anderen Bild.</translation>
    </message>
    <message>
        <source>The model could not read the conversation.</source>
        <translation>Das Modell konnte die Unterhaltung nicht lesen.</translation>
    </message>
    <message>
        <source>Try again.</source>
        <translation>Versuchen Sie es noch einmal.</translation>
    </message>
    <message>
        <source>Download it again or use another one.</source>
        <translation>Laden Sie es neu, oder verwenden Sie ein anderes.</translation>
    </message>
    <message>
        <source>Use a chat model.</source>
        <translation>Verwenden Sie ein Chat-Modell.</translation>
    </message>
    <message>
        <source>The model cannot be started.</source>
        <translation>Das Modell kann nicht gestartet werden.</translation>
    </message>
    <message>
        <source>Choose a smaller context or another model.</source>
        <translation>Wählen Sie einen kleineren Kontext oder ein anderes Modell.</translation>
    </message>
    <message>
        <source>The model does not write text.</source>
        <translation>Das Modell schreibt keinen Text.</translation>
    </message>
    <message>
        <source>The model {name} cannot be loaded.</source>
        <translation>Das Modell {name} kann nicht geladen werden.</translation>
    </message>
    <message>
        <source>The model {name} cannot hold a conversation.</source>
        <translation>Das Modell {name} kann keine Unterhaltung führen.</translation>
    </message>
    <message>
        <source>The model cannot read this conversation.</source>
        <translation>Das Modell kann diese Unterhaltung nicht lesen.</translation>
    </message>
    <message>
        <source>Try another picture or another model.</source>
        <translation>Versuchen Sie es mit einem anderen Bild oder einem anderen Modell.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s projector for pictures.</source>
        <translation>Wählen Sie den Projektor des Modells für Bilder.</translation>
    </message>
    <message>
        <source>The model could not look at the picture.</source>
        <translation>Das Modell konnte das Bild nicht ansehen.</translation>
    </message>
    <message>
        <source>The picture takes more tokens than the model reads at once.</source>
        <translation>Das Bild braucht mehr Token, als das Modell auf einmal liest.</translation>
    </message>
    <message>
        <source>The projector {name} cannot be used with this model.</source>
        <translation>Der Projektor {name} kann mit diesem Modell nicht verwendet werden.</translation>
    </message>
    <message>
        <source>The projector {name} is not for pictures.</source>
        <translation>Der Projektor {name} ist nicht für Bilder.</translation>
    </message>
    <message>
        <source>The model cannot tell the size of a picture.</source>
        <translation>Das Modell kann nicht sagen, wie groß ein Bild ist.</translation>
    </message>
    <message>
        <source>{size:.0f} MiB</source>
        <translation>{size:.0f}&#xa0;MiB</translation>
    </message>
    <message>
        <source>Close other programs or use a smaller model.</source>
        <translation>Schließen Sie andere Programme, oder verwenden Sie ein kleineres Modell.</translation>
    </message>
    <message>
        <source>{size:.1f} GiB</source>
        <translation>{size:.1f}&#xa0;GiB</translation>
    </message>
    <message>
        <source>The model needs {needed} of memory, but only {free} are free.</source>
        <translation>Das Modell braucht {needed} Speicher, frei sind aber nur {free}.</translation>
    </message>
    <message>
        <source>A context of {tokens} tokens needs {needed} of memory, but only {free} are free.</source>
        <translation>Ein Kontext von {tokens} Token braucht {needed} Speicher, frei sind aber nur {free}.</translation>
    </message>
    <message>
        <source>Choose a context of {tokens} tokens or fewer, or close other programs.</source>
        <translation>Wählen Sie einen Kontext von höchstens {tokens} Token, oder schließen Sie andere Programme.</translation>
    </message>
    <message>
        <source>Install llama-cpp-python 0.3.36 again.</source>
        <translation>Installieren Sie llama-cpp-python 0.3.36 neu.</translation>
    </message>
    <message>
        <source>The library that runs models is {name} {found}, but {wanted} is needed.</source>
        <translation>Die Bibliothek, die Modelle ausführt, ist {name} {found}; gebraucht wird {wanted}.</translation>
    </message>
    <message>
        <source>The library that runs models is not installed.</source>
        <translation>Die Bibliothek, die Modelle ausführt, ist nicht installiert.</translation>
    </message>
    <message>
        <source>Install llama-cpp-python 0.3.36.</source>
        <translation>Installieren Sie llama-cpp-python 0.3.36.</translation>
    </message>
    <message>
        <source>The library that runs models cannot be loaded.</source>
        <translation>Die Bibliothek, die Modelle ausführt, kann nicht geladen werden.</translation>
    </message>
    <message>
        <source>The libraries that run models cannot be loaded on this computer.</source>
        <translation>Die Bibliotheken, die Modelle ausführen, können auf diesem Computer nicht geladen werden.</translation>
    </message>
    <message>
        <source>Install Spyglass again; `spyglass doctor` tells more.</source>
        <translation>Installieren Sie Spyglass neu; `spyglass doctor` sagt mehr.</translation>
    </message>
    <message>
        <source>The form of answer that was asked for cannot be enforced.</source>
        <translation>Die verlangte Form der Antwort kann nicht erzwungen werden.</translation>
    </message>
    <message>
        <source>Use a simpler JSON schema.</source>
        <translation>Verwenden Sie ein einfacheres JSON-Schema.</translation>
    </message>
    <message>
        <source>The model computed something that is not a number.</source>
        <translation>Das Modell hat etwas berechnet, das keine Zahl ist.</translation>
    </message>
    <message>
        <source>Its file is damaged: download or convert it again.</source>
        <translation>Seine Datei ist beschädigt: Laden Sie sie neu oder wandeln Sie sie neu um.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary cannot write the form of answer that was asked for.</source>
        <translation>Das Vokabular des Modells kann die verlangte Form der Antwort nicht schreiben.</translation>
    </message>
    <message>
        <source>The chat template inside the model file does not work.</source>
        <translation>Die Chat-Vorlage in der Modelldatei funktioniert nicht.</translation>
    </message>
    <message>
        <source>Download the model again or use another one.</source>
        <translation>Laden Sie das Modell neu, oder verwenden Sie ein anderes.</translation>
    </message>
    <message>
        <source>The model&apos;s chat template refuses this conversation.</source>
        <translation>Die Chat-Vorlage des Modells weist diese Unterhaltung zurück.</translation>
    </message>
    <message>
        <source>Start a new conversation or use another model.</source>
        <translation>Beginnen Sie eine neue Unterhaltung, oder verwenden Sie ein anderes Modell.</translation>
    </message>
    <message>
        <source>{what} {todo}</source>
        <translation>{what} {todo}</translation>
    </message>
    <message>
        <source>The model file {name} is damaged or is not a GGUF file.</source>
        <translation>Die Modelldatei {name} ist beschädigt oder keine GGUF-Datei.</translation>
    </message>
    <message>
        <source>Check that it exists and may be read.</source>
        <translation>Prüfen Sie, ob es sie gibt und ob sie gelesen werden darf.</translation>
    </message>
    <message>
        <source>The model file {name} cannot be read.</source>
        <translation>Die Modelldatei {name} kann nicht gelesen werden.</translation>
    </message>
    <message>
        <source>Check that it is still there.</source>
        <translation>Prüfen Sie, ob sie noch da ist.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s own file.</source>
        <translation>Wählen Sie die Datei des Modells selbst.</translation>
    </message>
    <message>
        <source>Spyglass does not load models from addresses.</source>
        <translation>Spyglass lädt keine Modelle von Adressen.</translation>
    </message>
    <message>
        <source>Download the model and name the file.</source>
        <translation>Laden Sie das Modell herunter und geben Sie die Datei an.</translation>
    </message>
    <message>
        <source>There is no model file {name}.</source>
        <translation>Es gibt keine Modelldatei {name}.</translation>
    </message>
    <message>
        <source>Choose a GGUF file.</source>
        <translation>Wählen Sie eine GGUF-Datei.</translation>
    </message>
    <message>
        <source>Choose another model.</source>
        <translation>Wählen Sie ein anderes Modell.</translation>
    </message>
    <message>
        <source>The folder holds several models.</source>
        <translation>Der Ordner enthält mehrere Modelle.</translation>
    </message>
    <message>
        <source>Several models&apos; names begin with {name}.</source>
        <translation>Die Namen mehrerer Modelle beginnen mit {name}.</translation>
    </message>
    <message>
        <source>No model&apos;s name begins with {name}.</source>
        <translation>Kein Modellname beginnt mit {name}.</translation>
    </message>
    <message>
        <source>Choose one of {names}, or name a file.</source>
        <translation>Wählen Sie eines von diesen: {names}, oder geben Sie eine Datei an.</translation>
    </message>
    <message>
        <source>The part {name} is missing.</source>
        <translation>Der Teil {name} fehlt.</translation>
    </message>
    <message>
        <source>Its projector (mmproj) is not beside it.</source>
        <translation>Sein Projektor (mmproj) liegt nicht daneben.</translation>
    </message>
    <message>
        <source>{name} is a model&apos;s projector, not the model itself.</source>
        <translation>{name} ist der Projektor eines Modells, nicht das Modell selbst.</translation>
    </message>
    <message>
        <source>{name} is a file that goes with a model, not the model itself.</source>
        <translation>{name} ist eine Datei, die zu einem Modell gehört, nicht das Modell selbst.</translation>
    </message>
    <message>
        <source>The starter model is not part of this copy of Spyglass.</source>
        <translation>Das Startmodell gehört nicht zu dieser Kopie von Spyglass.</translation>
    </message>
    <message>
        <source>{name} is a checkpoint, not a GGUF file.</source>
        <translation>{name} ist ein Checkpoint, keine GGUF-Datei.</translation>
    </message>
    <message>
        <source>Convert it: spyglass models convert.</source>
        <translation>Wandeln Sie ihn um: spyglass models convert.</translation>
    </message>
    <message>
        <source>{name} is a folder without a usable model.</source>
        <translation>{name} ist ein Ordner ohne verwendbares Modell.</translation>
    </message>
    <message>
        <source>{name} is not a file.</source>
        <translation>{name} ist keine Datei.</translation>
    </message>
    <message>
        <source>Choose one of {names}.</source>
        <translation>Wählen Sie eines von diesen: {names}.</translation>
    </message>
    <message>
        <source>The model&apos;s path holds bytes that are not UTF-8.</source>
        <translation>Der Pfad des Modells enthält Bytes, die kein UTF-8 sind.</translation>
    </message>
    <message>
        <source>Rename the file.</source>
        <translation>Benennen Sie die Datei um.</translation>
    </message>
    <message>
        <source>Put its projector (the name usually begins with mmproj) into the same folder, or name it.</source>
        <translation>Legen Sie seinen Projektor (der Name beginnt meist mit mmproj) in denselben Ordner, oder geben Sie ihn an.</translation>
    </message>
    <message>
        <source>{name} reads text only, and its projector is not beside it.</source>
        <translation>{name} liest nur Text, und der Projektor liegt nicht daneben.</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>Fragen</translation>
    </message>
    <message>
        <source>Recognise</source>
        <translation>Erkennen</translation>
    </message>
    <message>
        <source>Nothing that I know.</source>
        <translation>Nichts, was ich kenne.</translation>
    </message>
    <message>
        <source>Looking.</source>
        <translation>Sieht hin.</translation>
    </message>
    <message>
        <source>Resting, to keep the machine cool.</source>
        <translation>Pause, damit der Computer kühl bleibt.</translation>
    </message>
    <message>
        <source>Resting, to save the battery.</source>
        <translation>Pause, um den Akku zu schonen.</translation>
    </message>
    <message>
        <source>Trying again soon.</source>
        <translation>Gleich ein neuer Versuch.</translation>
    </message>
    <message>
        <source>Paused.</source>
        <translation>Angehalten.</translation>
    </message>
    <message>
        <source>Save it as text in UTF-8, a line for each term.</source>
        <translation>Speichern Sie es als Text in UTF-8, eine Zeile je Begriff.</translation>
    </message>
    <message>
        <source>Write each one as: term = word.</source>
        <translation>Schreiben Sie jeden so: Begriff = Wort.</translation>
    </message>
    <message>
        <source>There is no glossary {name}.</source>
        <translation>Es gibt kein Glossar {name}.</translation>
    </message>
    <message>
        <source>The glossary {name} cannot be read.</source>
        <translation>Das Glossar {name} kann nicht gelesen werden.</translation>
    </message>
    <message>
        <source>Line {number} of the glossary is no term.</source>
        <translation>Zeile {number} des Glossars ist kein Begriff.</translation>
    </message>
    <message>
        <source>The language {code} is not offered.</source>
        <translation>Die Sprache {code} wird nicht angeboten.</translation>
    </message>
    <message>
        <source>Point the camera at the text again.</source>
        <translation>Richten Sie die Kamera noch einmal auf den Text.</translation>
    </message>
    <message>
        <source>Turn the camera off and on again.</source>
        <translation>Schalten Sie die Kamera aus und wieder ein.</translation>
    </message>
    <message>
        <source>Translate</source>
        <translation>Übersetzen</translation>
    </message>
    <message>
        <source>The translation was stopped.</source>
        <translation>Die Übersetzung wurde angehalten.</translation>
    </message>
    <message>
        <source>Start it again to go on.</source>
        <translation>Starten Sie sie neu, um fortzufahren.</translation>
    </message>
    <message>
        <source>A translation is not saved as {kind}.</source>
        <translation>Eine Übersetzung wird nicht als {kind} gespeichert.</translation>
    </message>
    <message>
        <source>Use {names}.</source>
        <translation>Verwenden Sie {names}.</translation>
    </message>
    <message>
        <source>Check the folder and the disk.</source>
        <translation>Prüfen Sie den Ordner und den Datenträger.</translation>
    </message>
    <message>
        <source>There is no picture to draw on.</source>
        <translation>Es gibt kein Bild, auf das gezeichnet werden kann.</translation>
    </message>
    <message>
        <source>Save the texts as .txt.</source>
        <translation>Speichern Sie die Texte als .txt.</translation>
    </message>
    <message>
        <source>{name} cannot be written.</source>
        <translation>{name} kann nicht geschrieben werden.</translation>
    </message>
    <message>
        <source>This text cannot be drawn: its letters join, and the library that joins them is missing.</source>
        <translation>Dieser Text kann nicht gezeichnet werden: Seine Buchstaben verbinden sich, und die Bibliothek dafür fehlt.</translation>
    </message>
    <message>
        <source>Install FriBidi (libfribidi) or use the translation beside the picture.</source>
        <translation>Installieren Sie FriBidi (libfribidi), oder lesen Sie die Übersetzung neben dem Bild.</translation>
    </message>
    <message>
        <source>It is not said what to watch for.</source>
        <translation>Es ist nicht gesagt, worauf geachtet werden soll.</translation>
    </message>
    <message>
        <source>Write it like &quot;a bus&quot; or &quot;tell me when the door is open&quot;.</source>
        <translation>Schreiben Sie zum Beispiel „a bus“ oder „tell me when the door is open“.</translation>
    </message>
    <message>
        <source>true or false</source>
        <translation>wahr oder falsch</translation>
    </message>
    <message>
        <source>a whole number</source>
        <translation>eine ganze Zahl</translation>
    </message>
    <message>
        <source>a number</source>
        <translation>eine Zahl</translation>
    </message>
    <message>
        <source>text</source>
        <translation>Text</translation>
    </message>
    <message>
        <source>The setting {key} must be {rule}.</source>
        <translation>Die Einstellung {key} muss {rule} sein.</translation>
    </message>
    <message>
        <source>Its default is {value}.</source>
        <translation>Ihr Vorgabewert ist {value}.</translation>
    </message>
    <message>
        <source>There is no setting {key}.</source>
        <translation>Es gibt keine Einstellung {key}.</translation>
    </message>
    <message>
        <source>The settings are {names}.</source>
        <translation>Die Einstellungen sind {names}.</translation>
    </message>
    <message>
        <source>one of {names}</source>
        <translation>eines von {names}</translation>
    </message>
    <message>
        <source>between {low} and {high}</source>
        <translation>zwischen {low} und {high}</translation>
    </message>
    <message>
        <source>It was kept as {name}, and the defaults hold.</source>
        <translation>Sie wurde als {name} aufgehoben, und es gelten die Vorgaben.</translation>
    </message>
    <message>
        <source>The settings file was damaged ({reason}). {kept}</source>
        <translation>Die Einstellungsdatei war beschädigt ({reason}). {kept}</translation>
    </message>
    <message>
        <source>It could not be kept, and the defaults hold.</source>
        <translation>Sie konnte nicht aufgehoben werden, und es gelten die Vorgaben.</translation>
    </message>
    <message>
        <source>The settings could not be saved; the change holds until the program ends.</source>
        <translation>Die Einstellungen konnten nicht gespeichert werden; die Änderung gilt, bis das Programm endet.</translation>
    </message>
    <message>
        <source>Check the disk and the permissions of the settings folder.</source>
        <translation>Prüfen Sie den Datenträger und die Zugriffsrechte des Einstellungsordners.</translation>
    </message>
    <message>
        <source>The settings could not be read ({reason}); the defaults hold.</source>
        <translation>Die Einstellungen konnten nicht gelesen werden ({reason}); es gelten die Vorgaben.</translation>
    </message>
    <message>
        <source>{what} Until then its default holds.</source>
        <translation>{what} Bis dahin gilt die Vorgabe.</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>Neue Unterhaltung</translation>
    </message>
    <message>
        <source>Open picture…</source>
        <translation>Bild öffnen…</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>Einfügen</translation>
    </message>
    <message>
        <source>Part of the screen…</source>
        <translation>Teil des Bildschirms…</translation>
    </message>
    <message>
        <source>Camera</source>
        <translation>Kamera</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>In dieser Unterhaltung suchen</translation>
    </message>
    <message>
        <source>Open model file…</source>
        <translation>Modelldatei öffnen…</translation>
    </message>
    <message>
        <source>Settings…</source>
        <translation>Einstellungen…</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>Tasten</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Go to the question</source>
        <translation>Zur Frage springen</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>Take the picture (camera on the stage)</source>
        <translation>Das Bild aufnehmen (Kamera auf der Bühne)</translation>
    </message>
    <message>
        <source>Zoom in, zoom out, fit (stage)</source>
        <translation>Vergrößern, verkleinern, einpassen (Bühne)</translation>
    </message>
    <message>
        <source>Move the picture (stage)</source>
        <translation>Das Bild verschieben (Bühne)</translation>
    </message>
    <message>
        <source>Choose and move a part of the picture (stage)</source>
        <translation>Einen Teil des Bildes wählen und verschieben (Bühne)</translation>
    </message>
    <message>
        <source>Size that part (stage)</source>
        <translation>Diesen Teil größer oder kleiner machen (Bühne)</translation>
    </message>
    <message>
        <source>Copy the answer</source>
        <translation>Antwort kopieren</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>Noch einmal antworten</translation>
    </message>
    <message>
        <source>Details of the error</source>
        <translation>Einzelheiten des Fehlers</translation>
    </message>
    <message>
        <source>Something in Spyglass went wrong.</source>
        <translation>In Spyglass ist etwas schiefgegangen.</translation>
    </message>
    <message>
        <source>Install Spyglass again.</source>
        <translation>Installieren Sie Spyglass neu.</translation>
    </message>
    <message>
        <source>Try again; if it happens again, report it with the details.</source>
        <translation>Versuchen Sie es noch einmal; wenn es wieder geschieht, melden Sie es mit den Einzelheiten.</translation>
    </message>
    <message>
        <source>Starting the camera</source>
        <translation>Die Kamera startet</translation>
    </message>
    <message>
        <source>Spyglass may not use the camera.</source>
        <translation>Spyglass darf die Kamera nicht benutzen.</translation>
    </message>
    <message>
        <source>Allow it in the privacy settings of the system.</source>
        <translation>Erlauben Sie es in den Datenschutzeinstellungen des Systems.</translation>
    </message>
    <message>
        <source>Stage</source>
        <translation>Bühne</translation>
    </message>
    <message>
        <source>You asked: {question}</source>
        <translation>Sie haben gefragt: {question}</translation>
    </message>
    <message>
        <source>You asked, with a picture: {question}</source>
        <translation>Sie haben mit einem Bild gefragt: {question}</translation>
    </message>
    <message>
        <source>Answer: {answer}</source>
        <translation>Antwort: {answer}</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>Angehalten</translation>
    </message>
    <message>
        <source>Cut off: the longest answer allowed</source>
        <translation>Abgeschnitten: die längste erlaubte Antwort</translation>
    </message>
    <message>
        <source>Go to the newest words</source>
        <translation>Zu den neuesten Worten</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>Unterhaltung</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Edit question</source>
        <translation>Frage bearbeiten</translation>
    </message>
    <message>
        <source>Do not send along: {name}</source>
        <translation>Nicht mitschicken: {name}</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>Frage</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>Senden</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>Bild</translation>
    </message>
    <message>
        <source>Part of the picture</source>
        <translation>Teil des Bildes</translation>
    </message>
    <message>
        <source>Bring a picture, then ask about it in your own words.</source>
        <translation>Bringen Sie ein Bild mit, und fragen Sie dann in eigenen Worten.</translation>
    </message>
    <message>
        <source>Drag a rectangle on the picture to ask about a part of it.</source>
        <translation>Ziehen Sie auf dem Bild ein Rechteck, um nach einem Teil davon zu fragen.</translation>
    </message>
    <message>
        <source>What would you like to know?</source>
        <translation>Was möchten Sie wissen?</translation>
    </message>
    <message>
        <source>What is in this picture?</source>
        <translation>Was ist auf diesem Bild?</translation>
    </message>
    <message>
        <source>What does the text say?</source>
        <translation>Was sagt der Text?</translation>
    </message>
    <message>
        <source>Describe it in one sentence.</source>
        <translation>Beschreibe es in einem Satz.</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>Eingefügtes Bild</translation>
    </message>
    <message>
        <source>guessing</source>
        <translation>geraten</translation>
    </message>
    <message>
        <source>unsure</source>
        <translation>unsicher</translation>
    </message>
    <message>
        <source>fairly sure</source>
        <translation>recht sicher</translation>
    </message>
    <message>
        <source>sure</source>
        <translation>sicher</translation>
    </message>
    <message>
        <source>very sure</source>
        <translation>sehr sicher</translation>
    </message>
    <message>
        <source>Tokens read: {read}, of them reused: {reused}</source>
        <translation>Token gelesen: {read}, davon wiederverwendet: {reused}</translation>
    </message>
    <message>
        <source>Pictures: {pictures}, looked at now: {now}</source>
        <translation>Bilder: {pictures}, jetzt angesehen: {now}</translation>
    </message>
    <message>
        <source>Tokens written: {written} in {time}</source>
        <translation>Token geschrieben: {written} in {time}</translation>
    </message>
    <message>
        <source>Loading {loading}, looking {looking}, reading {reading}</source>
        <translation>Laden {loading}, Ansehen {looking}, Lesen {reading}</translation>
    </message>
    <message>
        <source>Mean probability of a token: {share:.0%}</source>
        <translation>Mittlere Wahrscheinlichkeit eines Tokens: {share:.0%}</translation>
    </message>
    <message>
        <source>{time:.0f} ms</source>
        <translation>{time:.0f}&#xa0;ms</translation>
    </message>
    <message>
        <source>{time:.1f} s</source>
        <translation>{time:.1f}&#xa0;s</translation>
    </message>
    <message>
        <source>{time:.0f} min</source>
        <translation>{time:.0f}&#xa0;min</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>Schreibt</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>Beginnt</translation>
    </message>
    <message>
        <source>{time} to first word</source>
        <translation>{time} bis zum ersten Wort</translation>
    </message>
    <message>
        <source>{speed} tokens/s</source>
        <translation>{speed} Token/s</translation>
    </message>
    <message>
        <source>picture reused</source>
        <translation>Bild wiederverwendet</translation>
    </message>
    <message>
        <source>Loading the model</source>
        <translation>Lädt das Modell</translation>
    </message>
    <message>
        <source>Looking at the picture</source>
        <translation>Sieht das Bild an</translation>
    </message>
    <message>
        <source>Looking at picture {number} of {all}</source>
        <translation>Sieht Bild {number} von {all} an</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>Liest</translation>
    </message>
    <message numerus="yes">
        <source>{n} tokens reused</source>
        <translation>
            <numerusform>{n} Token wiederverwendet</numerusform>
            <numerusform>{n} Token wiederverwendet</numerusform>
        </translation>
    </message>
    <message>
        <source>The place before</source>
        <translation>Vorige Fundstelle</translation>
    </message>
    <message>
        <source>The next place</source>
        <translation>Nächste Fundstelle</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>{place} of {places}</source>
        <translation>{place} von {places}</translation>
    </message>
    <message>
        <source>Not found</source>
        <translation>Nicht gefunden</translation>
    </message>
    <message>
        <source>Nothing leaves this machine: pictures, questions and answers stay here.</source>
        <translation>Nichts verlässt diesen Computer: Bilder, Fragen und Antworten bleiben hier.</translation>
    </message>
    <message>
        <source>Resting</source>
        <translation>Ruht</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>Bereit</translation>
    </message>
    <message>
        <source>Working</source>
        <translation>Arbeitet</translation>
    </message>
    <message>
        <source>Restarting</source>
        <translation>Startet neu</translation>
    </message>
    <message>
        <source>Menu</source>
        <translation>Menü</translation>
    </message>
    <message>
        <source>Offline</source>
        <translation>Offline</translation>
    </message>
    <message>
        <source>Choose the model</source>
        <translation>Modell wählen</translation>
    </message>
    <message>
        <source>Engine: {state}</source>
        <translation>Engine: {state}</translation>
    </message>
    <message>
        <source>Model: {name}</source>
        <translation>Modell: {name}</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>Sucht…</translation>
    </message>
    <message>
        <source>{number}%</source>
        <translation>{number}&#xa0;%</translation>
    </message>
    <message>
        <source>The texts in {language} are missing.</source>
        <translation>Die Texte in der Sprache {language} fehlen.</translation>
    </message>
    <message>
        <source>Saved as {name}</source>
        <translation>Gespeichert als {name}</translation>
    </message>
    <message>
        <source>{name} could not be saved.</source>
        <translation>{name} konnte nicht gespeichert werden.</translation>
    </message>
    <message>
        <source>Check the folder.</source>
        <translation>Prüfen Sie den Ordner.</translation>
    </message>
    <message>
        <source>sent</source>
        <translation>gesendet</translation>
    </message>
    <message>
        <source>nothing new</source>
        <translation>nichts Neues</translation>
    </message>
    <message>
        <source>black</source>
        <translation>schwarz</translation>
    </message>
    <message>
        <source>too dark</source>
        <translation>zu dunkel</translation>
    </message>
    <message>
        <source>too bright</source>
        <translation>zu hell</translation>
    </message>
    <message>
        <source>blurred</source>
        <translation>unscharf</translation>
    </message>
    <message>
        <source>moving</source>
        <translation>bewegt</translation>
    </message>
    <message>
        <source>engine busy</source>
        <translation>Engine beschäftigt</translation>
    </message>
    <message>
        <source>resting</source>
        <translation>Pause</translation>
    </message>
    <message>
        <source>after a failure</source>
        <translation>nach einem Fehler</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>angehalten</translation>
    </message>
    <message>
        <source>Stop watching</source>
        <translation>Nicht mehr darauf achten</translation>
    </message>
    <message>
        <source>{share:.0%} {fate}</source>
        <translation>{share:.0%} {fate}</translation>
    </message>
    <message>
        <source>Save a snapshot</source>
        <translation>Standbild speichern</translation>
    </message>
    <message>
        <source>Save the last ten seconds</source>
        <translation>Die letzten zehn Sekunden speichern</translation>
    </message>
    <message>
        <source>Looking around</source>
        <translation>Sieht sich um</translation>
    </message>
    <message>
        <source>{size:.1f} GB</source>
        <translation>{size:.1f}&#xa0;GB</translation>
    </message>
    <message>
        <source>About Spyglass</source>
        <translation>Über Spyglass</translation>
    </message>
    <message>
        <source>Network camera…</source>
        <translation>Netzwerkkamera…</translation>
    </message>
    <message>
        <source>Mirror</source>
        <translation>Spiegeln</translation>
    </message>
    <message>
        <source>Turn by 90°</source>
        <translation>Um 90° drehen</translation>
    </message>
    <message>
        <source>Network camera</source>
        <translation>Netzwerkkamera</translation>
    </message>
    <message>
        <source>Its address, for example http://192.168.0.20:8080/video or rtsp://…</source>
        <translation>Ihre Adresse, zum Beispiel http://192.168.0.20:8080/video oder rtsp://…</translation>
    </message>
    <message>
        <source>{size:.0f} MB</source>
        <translation>{size:.0f}&#xa0;MB</translation>
    </message>
    <message>
        <source>Starter (ships with Spyglass)</source>
        <translation>Startmodell (kommt mit Spyglass)</translation>
    </message>
    <message>
        <source>No other camera</source>
        <translation>Keine andere Kamera</translation>
    </message>
    <message>
        <source>The projector&apos;s name usually begins with mmproj.</source>
        <translation>Der Name des Projektors beginnt meist mit mmproj.</translation>
    </message>
    <message>
        <source>Choose its projector…</source>
        <translation>Seinen Projektor wählen…</translation>
    </message>
    <message>
        <source>Open model file</source>
        <translation>Modelldatei öffnen</translation>
    </message>
    <message>
        <source>Open the projector (mmproj)</source>
        <translation>Projektor öffnen (mmproj)</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>Alle Dateien</translation>
    </message>
    <message>
        <source>GGUF models</source>
        <translation>GGUF-Modelle</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Fortschritt</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Close this message</source>
        <translation>Diese Meldung schließen</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Einzelheiten</translation>
    </message>
    <message>
        <source>Part of the screen</source>
        <translation>Teil des Bildschirms</translation>
    </message>
    <message>
        <source>Open picture</source>
        <translation>Bild öffnen</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>Bilder</translation>
    </message>
    <message>
        <source>Camera picture</source>
        <translation>Kamerabild</translation>
    </message>
    <message>
        <source>Stop reading</source>
        <translation>Nicht weiter vorlesen</translation>
    </message>
    <message>
        <source>Read aloud</source>
        <translation>Vorlesen</translation>
    </message>
    <message>
        <source>Connect one, or use a phone as a network camera.</source>
        <translation>Schließen Sie eine an, oder benutzen Sie ein Telefon als Netzwerkkamera.</translation>
    </message>
    <message>
        <source>Point the camera at something</source>
        <translation>Richten Sie die Kamera auf etwas</translation>
    </message>
    <message>
        <source>Click a name to ask about it. Or write what to wait for, and be told when it comes.</source>
        <translation>Klicken Sie auf einen Namen, um danach zu fragen. Oder schreiben Sie, worauf gewartet werden soll; Sie erfahren, wenn es kommt.</translation>
    </message>
    <message>
        <source>Ask about this</source>
        <translation>Danach fragen</translation>
    </message>
    <message>
        <source>saving the battery</source>
        <translation>Akku schonen</translation>
    </message>
    <message>
        <source>{width} × {height}, {rate:.0f} frames/s</source>
        <translation>{width} × {height}, {rate:.0f} Bilder/s</translation>
    </message>
    <message numerus="yes">
        <source>{n} answers in the last minute</source>
        <translation>
            <numerusform>{n} Antwort in der letzten Minute</numerusform>
            <numerusform>{n} Antworten in der letzten Minute</numerusform>
        </translation>
    </message>
    <message>
        <source>at work {share:.0%} of the time, {most:.0%} allowed</source>
        <translation>{share:.0%} der Zeit bei der Arbeit, {most:.0%} erlaubt</translation>
    </message>
    <message>
        <source>Say aloud what is found</source>
        <translation>Laut sagen, was gefunden wird</translation>
    </message>
    <message>
        <source>Show figures on the picture</source>
        <translation>Zahlen auf dem Bild zeigen</translation>
    </message>
    <message>
        <source>{seconds:.2f} s from frame to label</source>
        <translation>{seconds:.2f} s vom Bild bis zum Namen</translation>
    </message>
    <message>
        <source>{seconds:.2f} s an answer</source>
        <translation>{seconds:.2f} s je Antwort</translation>
    </message>
    <message>
        <source>on battery, {share:.0%}</source>
        <translation>im Akkubetrieb, {share:.0%}</translation>
    </message>
    <message>
        <source>the processor is too hot and slows down</source>
        <translation>der Prozessor ist zu heiß und wird langsamer</translation>
    </message>
    <message>
        <source>{things}, {seconds} s ago</source>
        <translation>{things}, vor {seconds} s</translation>
    </message>
    <message>
        <source>{degrees:.0f} °C below the processor&apos;s limit</source>
        <translation>{degrees:.0f} °C unter der Grenze des Prozessors</translation>
    </message>
    <message>
        <source>{size} · {licence} · perhaps {speed} tokens/s here</source>
        <translation>{size} · {licence} · hier vielleicht {speed} Token/s</translation>
    </message>
    <message>
        <source>Videos</source>
        <translation>Videos</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>On</source>
        <translation>Ein</translation>
    </message>
    <message>
        <source>Send the question</source>
        <translation>Die Frage senden</translation>
    </message>
    <message>
        <source>New line in the question</source>
        <translation>Neue Zeile in der Frage</translation>
    </message>
    <message>
        <source>Nothing more is known.</source>
        <translation>Mehr ist nicht bekannt.</translation>
    </message>
    <message>
        <source>Version {version}</source>
        <translation>Version {version}</translation>
    </message>
    <message>
        <source>Ask about pictures with a model that runs on this machine. Nothing is sent anywhere.</source>
        <translation>Fragen Sie nach Bildern, mit einem Modell, das auf diesem Computer läuft. Nichts wird irgendwohin gesendet.</translation>
    </message>
    <message>
        <source>Apache License 2.0. Icons: Lucide, ISC License.</source>
        <translation>Apache-Lizenz 2.0. Symbole: Lucide, ISC-Lizenz.</translation>
    </message>
    <message>
        <source>{thing} at {time}</source>
        <translation>{thing} um {time}</translation>
    </message>
    <message>
        <source>Yes, at {time} ({share:.0%} sure).</source>
        <translation>Ja, um {time} ({share:.0%} sicher).</translation>
    </message>
    <message>
        <source>Check that the sound works, and that {program} does.</source>
        <translation>Prüfen Sie, ob der Ton und ob {program} funktioniert.</translation>
    </message>
    <message>
        <source>This could not be said aloud.</source>
        <translation>Das konnte nicht laut gesagt werden.</translation>
    </message>
    <message>
        <source>Picture {name}, {width} x {height} pixels</source>
        <translation>Bild {name}, {width} × {height} Pixel</translation>
    </message>
    <message>
        <source>Drop a picture, paste one, or start the camera</source>
        <translation>Legen Sie ein Bild ab, fügen Sie eines ein, oder starten Sie die Kamera</translation>
    </message>
    <message>
        <source>Or try</source>
        <translation>Beispiele</translation>
    </message>
    <message>
        <source>Sample picture: {name}</source>
        <translation>Beispielbild: {name}</translation>
    </message>
    <message>
        <source>Fit the picture</source>
        <translation>Bild einpassen</translation>
    </message>
    <message>
        <source>Fit the picture (double click)</source>
        <translation>Bild einpassen (Doppelklick)</translation>
    </message>
    <message>
        <source>Choose the camera</source>
        <translation>Kamera wählen</translation>
    </message>
    <message>
        <source>Take the picture</source>
        <translation>Bild aufnehmen</translation>
    </message>
    <message>
        <source>Take the picture (Space)</source>
        <translation>Bild aufnehmen (Leertaste)</translation>
    </message>
    <message>
        <source>Turn the camera off</source>
        <translation>Kamera ausschalten</translation>
    </message>
    <message>
        <source>Opening the picture…</source>
        <translation>Das Bild wird geöffnet…</translation>
    </message>
    <message>
        <source>Open…</source>
        <translation>Öffnen…</translation>
    </message>
    <message>
        <source>Zoom out (-)</source>
        <translation>Verkleinern (-)</translation>
    </message>
    <message>
        <source>Zoom in (+)</source>
        <translation>Vergrößern (+)</translation>
    </message>
    <message>
        <source>Live camera</source>
        <translation>Live-Kamera</translation>
    </message>
    <message>
        <source>There is no model yet.</source>
        <translation>Es gibt noch kein Modell.</translation>
    </message>
    <message>
        <source>Wait until it is found, or choose one above.</source>
        <translation>Warten Sie, bis es gefunden ist, oder wählen Sie oben eines.</translation>
    </message>
    <message>
        <source>Save the translation</source>
        <translation>Übersetzung speichern</translation>
    </message>
    <message>
        <source>Looking for text</source>
        <translation>Sucht Text</translation>
    </message>
    <message>
        <source>Reading the text</source>
        <translation>Liest den Text</translation>
    </message>
    <message>
        <source>Translating</source>
        <translation>Übersetzt</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>Text</translation>
    </message>
    <message>
        <source>Your own words</source>
        <translation>Eigene Wörter</translation>
    </message>
    <message>
        <source>How a word is to be translated, a line for each: term = word</source>
        <translation>Wie ein Wort übersetzt werden soll, je Zeile eines: Begriff = Wort</translation>
    </message>
    <message>
        <source>ticket office = Schalter</source>
        <translation>ticket office = Schalter</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>It cannot be saved: {reason}</source>
        <translation>Es kann nicht gespeichert werden: {reason}</translation>
    </message>
    <message>
        <source>Point the camera at a sign, a menu or a letter.</source>
        <translation>Richten Sie die Kamera auf ein Schild, eine Speisekarte oder einen Brief.</translation>
    </message>
    <message>
        <source>Reading the text…</source>
        <translation>Liest den Text…</translation>
    </message>
    <message>
        <source>There is no text in view.</source>
        <translation>Es ist kein Text zu sehen.</translation>
    </message>
    <message>
        <source>Explain</source>
        <translation>Erklären</translation>
    </message>
    <message>
        <source>Explain this text, or the words marked in it</source>
        <translation>Diesen Text erklären oder die Wörter, die darin markiert sind</translation>
    </message>
    <message>
        <source>Detect language</source>
        <translation>Sprache erkennen</translation>
    </message>
    <message>
        <source>Translate from</source>
        <translation>Übersetzen aus</translation>
    </message>
    <message>
        <source>Translate into</source>
        <translation>Übersetzen in</translation>
    </message>
    <message>
        <source>Show the original</source>
        <translation>Original zeigen</translation>
    </message>
    <message>
        <source>Or hold O on the picture, or point at a line</source>
        <translation>Oder O auf dem Bild gedrückt halten oder auf eine Zeile zeigen</translation>
    </message>
    <message>
        <source>Copy the translation</source>
        <translation>Übersetzung kopieren</translation>
    </message>
    <message>
        <source>Save as picture, PDF or text</source>
        <translation>Als Bild, PDF oder Text speichern</translation>
    </message>
    <message>
        <source>Translate again</source>
        <translation>Noch einmal übersetzen</translation>
    </message>
    <message>
        <source>There is no text in this picture that could be read.</source>
        <translation>In diesem Bild ist kein Text, der gelesen werden konnte.</translation>
    </message>
    <message>
        <source>This is in {language} already.</source>
        <translation>Das ist schon in dieser Sprache: {language}.</translation>
    </message>
    <message>
        <source>Translate the answer</source>
        <translation>Antwort übersetzen</translation>
    </message>
    <message>
        <source>Not looked yet</source>
        <translation>Noch nicht hingesehen</translation>
    </message>
    <message>
        <source>Waiting for a clear picture</source>
        <translation>Wartet auf ein klares Bild</translation>
    </message>
    <message>
        <source>{seconds} s ago: {state} ({share:.0%} sure)</source>
        <translation>Vor {seconds} s: {state} ({share:.0%} sicher)</translation>
    </message>
    <message>
        <source>Waiting for: {things}</source>
        <translation>Wartet auf: {things}</translation>
    </message>
    <message>
        <source>it is there</source>
        <translation>da</translation>
    </message>
    <message>
        <source>not there</source>
        <translation>nicht da</translation>
    </message>
    <message>
        <source>Waiting for the camera</source>
        <translation>Wartet auf die Kamera</translation>
    </message>
    <message>
        <source>Another model file…</source>
        <translation>Andere Modelldatei …</translation>
    </message>
    <message>
        <source>The model that reads the picture</source>
        <translation>Das Modell, das das Bild liest</translation>
    </message>
    <message>
        <source>Take the translation away</source>
        <translation>Übersetzung wegnehmen</translation>
    </message>
    <message>
        <source>Open a model that translates</source>
        <translation>Modell zum Übersetzen öffnen</translation>
    </message>
    <message>
        <source>Translating back</source>
        <translation>Zurückübersetzen</translation>
    </message>
    <message>
        <source>Translated back: {text}</source>
        <translation>Zurückübersetzt: {text}</translation>
    </message>
    <message>
        <source>Check by translating back</source>
        <translation>Durch Zurückübersetzen prüfen</translation>
    </message>
    <message>
        <source>Which model translates the text</source>
        <translation>Welches Modell den Text übersetzt</translation>
    </message>
    <message>
        <source>Look twice: the number {what} differs or is missing.</source>
        <translation>Sehen Sie genau hin: Die Zahl {what} weicht ab oder fehlt.</translation>
    </message>
    <message>
        <source>Look twice: the currency {what} is missing.</source>
        <translation>Sehen Sie genau hin: Die Währung {what} fehlt.</translation>
    </message>
    <message>
        <source>Look twice: {what} is missing.</source>
        <translation>Sehen Sie genau hin: {what} fehlt.</translation>
    </message>
    <message>
        <source>Look twice: the name {what} is missing.</source>
        <translation>Sehen Sie genau hin: Der Name {what} fehlt.</translation>
    </message>
    <message>
        <source>Your own word for “{what}” was not used.</source>
        <translation>Ihr eigenes Wort für „{what}“ wurde nicht verwendet.</translation>
    </message>
    <message>
        <source>“{what}” was not translated.</source>
        <translation>„{what}“ wurde nicht übersetzt.</translation>
    </message>
    <message>
        <source>Look twice: the meaning may have changed.</source>
        <translation>Sehen Sie genau hin: Der Sinn hat sich vielleicht geändert.</translation>
    </message>
    <message>
        <source>The text in the picture appears here, with its translation.</source>
        <translation>Der Text im Bild erscheint hier mit seiner Übersetzung.</translation>
    </message>
    <message>
        <source>Bring a picture with text in it, or write a text below.</source>
        <translation>Bringen Sie ein Bild mit Text mit, oder schreiben Sie unten einen Text.</translation>
    </message>
    <message>
        <source>Write a text to translate…</source>
        <translation>Text zum Übersetzen schreiben…</translation>
    </message>
    <message>
        <source>Tell me when… (for example: a bus comes)</source>
        <translation>Sagen Sie, worauf geachtet werden soll… (zum Beispiel: a bus comes)</translation>
    </message>
    <message>
        <source>Ask about what the camera sees…</source>
        <translation>Fragen Sie nach dem, was die Kamera sieht…</translation>
    </message>
    <message>
        <source>Ask a follow-up…</source>
        <translation>Fragen Sie weiter…</translation>
    </message>
    <message>
        <source>Ask about the picture…</source>
        <translation>Fragen Sie nach dem Bild…</translation>
    </message>
    <message>
        <source>Ask anything…</source>
        <translation>Fragen Sie etwas…</translation>
    </message>
    <message>
        <source>Runs on this machine. Answers can be wrong.</source>
        <translation>Läuft lokal. Antworten können falsch sein.</translation>
    </message>
    <message>
        <source>The video has ended.</source>
        <translation>Das Video ist zu Ende.</translation>
    </message>
    <message>
        <source>Say it in at most {most} characters.</source>
        <translation>Sagen Sie es mit höchstens {most} Zeichen.</translation>
    </message>
    <message>
        <source>This is too long to be watched for.</source>
        <translation>Das ist zu lang, um darauf zu achten.</translation>
    </message>
    <message>
        <source>Earlier conversations…</source>
        <translation>Frühere Unterhaltungen…</translation>
    </message>
    <message>
        <source>Show {name}</source>
        <translation>{name} zeigen</translation>
    </message>
    <message>
        <source>Larger models…</source>
        <translation>Größere Modelle…</translation>
    </message>
    <message>
        <source>Earlier conversations</source>
        <translation>Frühere Unterhaltungen</translation>
    </message>
    <message>
        <source>No earlier conversation is kept.</source>
        <translation>Es ist keine frühere Unterhaltung aufbewahrt.</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>{when}, shown now</source>
        <translation>{when}, jetzt zu sehen</translation>
    </message>
    <message>
        <source>Needs about {needs} of memory, which is free.</source>
        <translation>Braucht etwa {needs} Speicher; so viel ist frei.</translation>
    </message>
    <message>
        <source>Needs about {needs} of memory; only {free} are free.</source>
        <translation>Braucht etwa {needs} Speicher; nur {free} sind frei.</translation>
    </message>
    <message>
        <source>Its page</source>
        <translation>Seite öffnen</translation>
    </message>
    <message>
        <source>Larger models</source>
        <translation>Größere Modelle</translation>
    </message>
    <message>
        <source>Choose a file…</source>
        <translation>Datei wählen…</translation>
    </message>
    <message>
        <source>The page of {name} in the browser</source>
        <translation>Die Seite von {name} im Browser</translation>
    </message>
    <message>
        <source>To be converted after it is fetched: {command}</source>
        <translation>Nach dem Herunterladen umzuwandeln: {command}</translation>
    </message>
    <message>
        <source>Models folder</source>
        <translation>Modellordner</translation>
    </message>
    <message>
        <source>The folder {name} cannot be made.</source>
        <translation>Der Ordner {name} lässt sich nicht anlegen.</translation>
    </message>
    <message>
        <source>Check the disk and its permissions.</source>
        <translation>Prüfen Sie den Datenträger und seine Rechte.</translation>
    </message>
    <message>
        <source>There is not enough memory left for the model that translates.</source>
        <translation>Für das Modell, das übersetzt, ist nicht genug Speicher frei.</translation>
    </message>
    <message>
        <source>Choose a smaller one to translate with, or let the model that reads pictures translate too.</source>
        <translation>Wählen Sie zum Übersetzen ein kleineres, oder lassen Sie auch das Modell übersetzen, das die Bilder liest.</translation>
    </message>
    <message>
        <source>Choose another model to translate with, or let the model that reads pictures translate too.</source>
        <translation>Wählen Sie zum Übersetzen ein anderes Modell, oder lassen Sie auch das Modell übersetzen, das die Bilder liest.</translation>
    </message>
    <message>
        <source>The starter is small and often wrong. It was taught drawings, not photographs, and only English.</source>
        <translation>Das Startmodell ist klein und irrt oft. Es hat Zeichnungen gelernt, keine Fotos, und nur Englisch.</translation>
    </message>
    <message>
        <source>The conversation as it was is among the earlier ones.</source>
        <translation>Die Unterhaltung, wie sie war, ist bei den früheren.</translation>
    </message>
    <message>
        <source>This is a new conversation. The one before is among the earlier ones.</source>
        <translation>Dies ist eine neue Unterhaltung. Die vorige ist bei den früheren.</translation>
    </message>
    <message>
        <source>Use the starter for now</source>
        <translation>Vorerst das Startmodell nehmen</translation>
    </message>
    <message>
        <source>Picture {name} is on the stage</source>
        <translation>Bild {name} ist auf der Bühne</translation>
    </message>
    <message>
        <source>Which bar is the highest?</source>
        <translation>Welcher Balken ist der höchste?</translation>
    </message>
    <message>
        <source>What colour are the balloons?</source>
        <translation>Welche Farbe haben die Ballons?</translation>
    </message>
    <message>
        <source>Save conversation…</source>
        <translation>Unterhaltung speichern…</translation>
    </message>
    <message>
        <source>Go to a name on the picture, to the next, ask about it (stage)</source>
        <translation>Zu einem Namen auf dem Bild gehen, zum nächsten, danach fragen (Bühne)</translation>
    </message>
    <message>
        <source>You asked, with several pictures: {question}</source>
        <translation>Sie haben mit mehreren Bildern gefragt: {question}</translation>
    </message>
    <message>
        <source>Saved by Spyglass, {date}. Answers can be wrong.</source>
        <translation>Gespeichert von Spyglass, {date}. Antworten können falsch sein.</translation>
    </message>
    <message>
        <source>{bad} of {number} files could not be opened.</source>
        <translation>{bad} von {number} Dateien konnten nicht geöffnet werden.</translation>
    </message>
    <message>
        <source>The details say why.</source>
        <translation>Die Details sagen, warum.</translation>
    </message>
    <message>
        <source>Only the first {most} of {number} pictures were opened: no more go with one question.</source>
        <translation>Nur die ersten {most} von {number} Bildern wurden geöffnet: Mehr gehören nicht zu einer Frage.</translation>
    </message>
    <message>
        <source>These words were said in no earlier conversation.</source>
        <translation>Diese Wörter kommen in keiner früheren Unterhaltung vor.</translation>
    </message>
    <message>
        <source>Play again</source>
        <translation>Noch einmal abspielen</translation>
    </message>
    <message>
        <source>Find in questions and answers</source>
        <translation>In Fragen und Antworten suchen</translation>
    </message>
    <message>
        <source>Deleted: {title}</source>
        <translation>Gelöscht: {title}</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>{mode} goes on waiting for it when you are back: {things}</source>
        <translation>{mode} wartet weiter darauf, sobald Sie zurück sind: {things}</translation>
    </message>
    <message>
        <source>Try again later; what has been fetched is kept.</source>
        <translation>Versuchen Sie es später noch einmal; das schon Geladene bleibt erhalten.</translation>
    </message>
    <message>
        <source>The connection broke off again and again.</source>
        <translation>Die Verbindung ist immer wieder abgebrochen.</translation>
    </message>
    <message>
        <source>The page of {name} does not list the files that were expected.</source>
        <translation>Die Seite von {name} nennt nicht die erwarteten Dateien.</translation>
    </message>
    <message>
        <source>Get it from its page.</source>
        <translation>Holen Sie es von seiner Seite.</translation>
    </message>
    <message>
        <source>{name} could not be written.</source>
        <translation>{name} konnte nicht geschrieben werden.</translation>
    </message>
    <message>
        <source>Check the disk and its permissions; what has been fetched is kept.</source>
        <translation>Prüfen Sie den Datenträger und seine Rechte; das schon Geladene bleibt erhalten.</translation>
    </message>
    <message>
        <source>{name} needs {wanted} more on the disk, and {free} are free.</source>
        <translation>{name} braucht noch {wanted} auf dem Datenträger, {free} sind frei.</translation>
    </message>
    <message>
        <source>Make room, or choose a smaller model.</source>
        <translation>Schaffen Sie Platz, oder wählen Sie ein kleineres Modell.</translation>
    </message>
    <message>
        <source>This model is only given to those who sign in.</source>
        <translation>Dieses Modell gibt es nur für Angemeldete.</translation>
    </message>
    <message>
        <source>This model is no longer where it was.</source>
        <translation>Dieses Modell ist nicht mehr dort, wo es war.</translation>
    </message>
    <message>
        <source>Get it from its page, or choose another.</source>
        <translation>Holen Sie es von seiner Seite, oder wählen Sie ein anderes.</translation>
    </message>
    <message>
        <source>Check the clock, and that the system&apos;s certificates are installed (ca-certificates).</source>
        <translation>Prüfen Sie die Uhr, und ob die Zertifikate des Systems installiert sind (ca-certificates).</translation>
    </message>
    <message>
        <source>The site could not prove who it is.</source>
        <translation>Die Website konnte nicht nachweisen, wer sie ist.</translation>
    </message>
    <message>
        <source>Check the network and try again; what has been fetched is kept.</source>
        <translation>Prüfen Sie das Netz und versuchen Sie es noch einmal; das schon Geladene bleibt erhalten.</translation>
    </message>
    <message>
        <source>There is no connection to the site that has the model.</source>
        <translation>Es gibt keine Verbindung zur Website mit dem Modell.</translation>
    </message>
    <message>
        <source>What came of {name} is damaged.</source>
        <translation>Was von {name} ankam, ist beschädigt.</translation>
    </message>
    <message>
        <source>Fetch it again.</source>
        <translation>Laden Sie es noch einmal.</translation>
    </message>
    <message>
        <source>A model is being fetched. Nothing else goes over the network.</source>
        <translation>Ein Modell wird geladen. Sonst geht nichts über das Netz.</translation>
    </message>
    <message>
        <source>Fetching {share:.0%}</source>
        <translation>Lädt {share:.0%}</translation>
    </message>
    <message>
        <source>perhaps there</source>
        <translation>vielleicht da</translation>
    </message>
    <message>
        <source>{name} is here.</source>
        <translation>{name} ist da.</translation>
    </message>
    <message>
        <source>Use it</source>
        <translation>Verwenden</translation>
    </message>
    <message>
        <source>“Get” fetches a model from its page on Hugging Face; its licence holds for you. Nothing else is fetched or sent. Or put a model of your own and its projector (mmproj) into one folder, and choose the model&apos;s file here.</source>
        <translation>„Laden“ holt ein Modell von seiner Seite bei Hugging Face; seine Lizenz gilt für Sie. Sonst wird nichts geladen oder gesendet. Oder legen Sie ein eigenes Modell und seinen Projektor (mmproj) in einen Ordner, und wählen Sie hier die Datei des Modells.</translation>
    </message>
    <message>
        <source>{came} of {whole}, about {minutes} min left</source>
        <translation>{came} von {whole}, noch etwa {minutes} min</translation>
    </message>
    <message>
        <source>Asking for it…</source>
        <translation>Wird angefragt …</translation>
    </message>
    <message>
        <source>{came} of {whole}</source>
        <translation>{came} von {whole}</translation>
    </message>
    <message>
        <source>{came} of {whole}, less than a minute left</source>
        <translation>{came} von {whole}, noch weniger als eine Minute</translation>
    </message>
    <message>
        <source>Get</source>
        <translation>Laden</translation>
    </message>
    <message>
        <source>Get {name}</source>
        <translation>{name} laden</translation>
    </message>
    <message>
        <source>Stop fetching {name}</source>
        <translation>{name} nicht weiter laden</translation>
    </message>
    <message>
        <source>Use {name}</source>
        <translation>{name} verwenden</translation>
    </message>
    <message>
        <source>Show it again</source>
        <translation>Wieder zeigen</translation>
    </message>
    <message>
        <source>Copy the picture itself and paste it here, or save it to a file and open that.</source>
        <translation>Kopieren Sie das Bild selbst und fügen Sie es hier ein, oder speichern Sie es und öffnen Sie die Datei.</translation>
    </message>
    <message>
        <source>There is nothing to paste.</source>
        <translation>Es gibt nichts einzufügen.</translation>
    </message>
    <message>
        <source>Copy a picture, a file or a text first.</source>
        <translation>Kopieren Sie zuerst ein Bild, eine Datei oder einen Text.</translation>
    </message>
    <message>
        <source>What is this?</source>
        <translation>Was ist das?</translation>
    </message>
    <message>
        <source>Save it in another folder or by another name.</source>
        <translation>Speichern Sie in einem anderen Ordner oder unter einem anderen Namen.</translation>
    </message>
    <message>
        <source>{name} could not be saved: nothing may be written to that folder.</source>
        <translation>{name} konnte nicht gespeichert werden: In diesen Ordner darf nichts geschrieben werden.</translation>
    </message>
    <message>
        <source>Save it in another folder.</source>
        <translation>Speichern Sie in einem anderen Ordner.</translation>
    </message>
    <message>
        <source>{name} could not be saved: the disk is full.</source>
        <translation>{name} konnte nicht gespeichert werden: Der Datenträger ist voll.</translation>
    </message>
    <message>
        <source>Make room on the disk, or save it on another one.</source>
        <translation>Schaffen Sie Platz, oder speichern Sie auf einem anderen Datenträger.</translation>
    </message>
    <message>
        <source>Save conversation</source>
        <translation>Unterhaltung speichern</translation>
    </message>
    <message>
        <source>Web page</source>
        <translation>Webseite</translation>
    </message>
    <message>
        <source>The defaults hold again. Your models and languages, and what is kept on disk, stay as they are.</source>
        <translation>Es gelten wieder die Vorgaben. Ihre Modelle und Sprachen, und was auf der Platte aufgehoben wird, bleiben, wie sie sind.</translation>
    </message>
    <message>
        <source>The settings are as they were.</source>
        <translation>Die Einstellungen sind wieder wie vorher.</translation>
    </message>
    <message>
        <source>Reset to defaults</source>
        <translation>Zurücksetzen</translation>
    </message>
    <message>
        <source>Discard changes</source>
        <translation>Änderungen verwerfen</translation>
    </message>
    <message>
        <source>Copy the text that was read</source>
        <translation>Den gelesenen Text kopieren</translation>
    </message>
    <message>
        <source>Swap the languages</source>
        <translation>Sprachen tauschen</translation>
    </message>
    <message>
        <source>Original</source>
        <translation>Original</translation>
    </message>
    <message>
        <source>The text was not read to its end.</source>
        <translation>Der Text wurde nicht zu Ende gelesen.</translation>
    </message>
    <message>
        <source>The text was not translated to its end.</source>
        <translation>Der Text wurde nicht zu Ende übersetzt.</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>Kopiert</translation>
    </message>
    <message>
        <source>{what} Of {number} files only the first {most} were tried: no more go with one question.</source>
        <translation>{what} Von {number} Dateien wurden nur die ersten {most} versucht: Mehr gehören nicht zu einer Frage.</translation>
    </message>
    <message>
        <source>No more than {most} pictures go with one question.</source>
        <translation>Mehr als {most} Bilder gehören nicht zu einer Frage.</translation>
    </message>
    <message>
        <source>Remove one of them, or send the question first.</source>
        <translation>Entfernen Sie eines davon, oder senden Sie erst die Frage ab.</translation>
    </message>
    <message>
        <source>The starter was taught English only.</source>
        <translation>Das Startmodell hat nur Englisch gelernt.</translation>
    </message>
    <message>
        <source>Ask in English, or choose a larger model.</source>
        <translation>Fragen Sie auf Englisch, oder wählen Sie ein größeres Modell.</translation>
    </message>
    <message>
        <source>This system has no program that speaks.</source>
        <translation>Dieses System hat kein Programm, das spricht.</translation>
    </message>
    <message>
        <source>Install speech-dispatcher or espeak-ng.</source>
        <translation>Installieren Sie speech-dispatcher oder espeak-ng.</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>A model&apos;s name, or the path of its GGUF file.</source>
        <translation>Der Name eines Modells oder der Pfad seiner GGUF-Datei.</translation>
    </message>
    <message>
        <source>Projector</source>
        <translation>Projektor</translation>
    </message>
    <message>
        <source>The path of the projector (mmproj) file; empty: the one that lies beside the model.</source>
        <translation>Der Pfad der Projektordatei (mmproj); leer: die neben dem Modell.</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>Engine</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>Kontext</translation>
    </message>
    <message>
        <source>Tokens of conversation and pictures the model keeps in view; 0: as many as fit, up to the model&apos;s default.</source>
        <translation>Token der Unterhaltung und der Bilder, die das Modell im Blick behält; 0: so viele, wie passen, bis zur Vorgabe des Modells.</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>Token</translation>
    </message>
    <message>
        <source>KV cache</source>
        <translation>KV-Cache</translation>
    </message>
    <message>
        <source>How keys and values are stored; 8 bits take half the memory and lose a little precision.</source>
        <translation>Wie Schlüssel und Werte gespeichert werden; 8 Bit brauchen den halben Speicher und verlieren etwas Genauigkeit.</translation>
    </message>
    <message>
        <source>16 bits</source>
        <translation>16 Bit</translation>
    </message>
    <message>
        <source>8 bits</source>
        <translation>8 Bit</translation>
    </message>
    <message>
        <source>Flash attention</source>
        <translation>Flash Attention</translation>
    </message>
    <message>
        <source>Attention without the whole score matrix in memory.</source>
        <translation>Attention, ohne dass die ganze Matrix der Bewertungen im Speicher steht.</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Aus</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>Threads</translation>
    </message>
    <message>
        <source>Processor threads; 0: chosen from the machine.</source>
        <translation>Threads des Prozessors; 0: passend zum Computer.</translation>
    </message>
    <message>
        <source>Layers on the GPU</source>
        <translation>Schichten auf der GPU</translation>
    </message>
    <message>
        <source>-1: as many as fit if there is a GPU; 0: none.</source>
        <translation>-1: so viele, wie passen, wenn es eine GPU gibt; 0: keine.</translation>
    </message>
    <message>
        <source>Vision tower</source>
        <translation>Bildturm</translation>
    </message>
    <message>
        <source>Llama 3.2 Vision only: fast leaves a picture&apos;s missing tiles out, which is quicker and slightly different.</source>
        <translation>Nur Llama 3.2 Vision: Schnell lässt die fehlenden Kacheln eines Bildes weg; das ist flotter und minimal anders.</translation>
    </message>
    <message>
        <source>Exact</source>
        <translation>Genau</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>Schnell</translation>
    </message>
    <message>
        <source>Memory limit</source>
        <translation>Speichergrenze</translation>
    </message>
    <message>
        <source>Memory the engine process may take before it is ended; 0: no limit of its own.</source>
        <translation>Speicher, den die Engine belegen darf, bevor sie beendet wird; 0: keine eigene Grenze.</translation>
    </message>
    <message>
        <source>MiB</source>
        <translation>MiB</translation>
    </message>
    <message>
        <source>Picture cache in memory</source>
        <translation>Bild-Cache im Speicher</translation>
    </message>
    <message>
        <source>Pictures looked at are remembered, so that a second question need not look again.</source>
        <translation>Angesehene Bilder werden gemerkt, damit bei einer zweiten Frage nicht noch einmal hingesehen werden muss.</translation>
    </message>
    <message>
        <source>Picture cache on disk</source>
        <translation>Bild-Cache auf dem Datenträger</translation>
    </message>
    <message>
        <source>The same between two starts of the program; 0: pictures leave no trace on disk.</source>
        <translation>Dasselbe zwischen zwei Starts des Programms; 0: Bilder hinterlassen keine Spur auf dem Datenträger.</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>Antworten</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>Temperatur</translation>
    </message>
    <message>
        <source>0: always the likeliest word, so the same question gets the same answer; higher: more varied.</source>
        <translation>0: immer das wahrscheinlichste Wort, also dieselbe Antwort auf dieselbe Frage; höher: abwechslungsreicher.</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Only the likeliest words that together have this probability; 1: all. Needs a temperature above 0.</source>
        <translation>Nur die wahrscheinlichsten Wörter, die zusammen diese Wahrscheinlichkeit haben; 1: alle. Braucht eine Temperatur über 0.</translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation>Min-p</translation>
    </message>
    <message>
        <source>Only words at least this likely relative to the likeliest; 0: all. Needs a temperature above 0.</source>
        <translation>Nur Wörter, die im Vergleich zum wahrscheinlichsten mindestens so wahrscheinlich sind; 0: alle. Braucht eine Temperatur über 0.</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>Startwert</translation>
    </message>
    <message>
        <source>The same seed gives the same answer again; 0: another one each time. Needs a temperature above 0.</source>
        <translation>Derselbe Startwert gibt wieder dieselbe Antwort; 0: jedes Mal eine andere. Braucht eine Temperatur über 0.</translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation>Längste Antwort</translation>
    </message>
    <message>
        <source>An answer ends here at the latest.</source>
        <translation>Spätestens hier endet eine Antwort.</translation>
    </message>
    <message>
        <source>Conversations on disk</source>
        <translation>Unterhaltungen auf dem Datenträger</translation>
    </message>
    <message>
        <source>Conversations and their pictures are kept on this machine; the oldest go when this is full. 0: none is kept.</source>
        <translation>Unterhaltungen und ihre Bilder bleiben auf diesem Rechner; reicht der Platz nicht, gehen die ältesten. 0: es wird keine aufbewahrt.</translation>
    </message>
    <message>
        <source>The code of a language, such as fr. Translate keeps the one chosen last here. Empty: your own.</source>
        <translation>Das Kürzel einer Sprache, etwa fr. Übersetzen merkt sich hier die zuletzt gewählte. Leer: die eigene.</translation>
    </message>
    <message>
        <source>Translator</source>
        <translation>Übersetzer</translation>
    </message>
    <message>
        <source>Another model for the text, by name or path; it need not see. Empty: the one that reads the picture.</source>
        <translation>Ein anderes Modell für den Text, mit Namen oder Pfad; es muss nicht sehen. Leer: dasjenige, das das Bild liest.</translation>
    </message>
    <message>
        <source>Every translation is translated back, to show where the meaning may have changed. Takes twice as long.</source>
        <translation>Jede Übersetzung wird zurückübersetzt, um zu zeigen, wo sich der Sinn geändert haben könnte. Dauert doppelt so lange.</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>Fenster</translation>
    </message>
    <message>
        <source>Send with</source>
        <translation>Senden mit</translation>
    </message>
    <message>
        <source>The other one begins a new line.</source>
        <translation>Die andere Taste beginnt eine neue Zeile.</translation>
    </message>
    <message>
        <source>Enter</source>
        <translation>Enter</translation>
    </message>
    <message>
        <source>Ctrl+Enter</source>
        <translation>Strg+Enter</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>Farben</translation>
    </message>
    <message>
        <source>Light, dark, or as the system says.</source>
        <translation>Hell, dunkel oder wie das System es vorgibt.</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>Wie das System</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Hell</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Dunkel</translation>
    </message>
    <message>
        <source>Resolution</source>
        <translation>Auflösung</translation>
    </message>
    <message>
        <source>What the camera is asked for; it takes what comes nearest.</source>
        <translation>Worum die Kamera gebeten wird; sie nimmt, was dem am nächsten kommt.</translation>
    </message>
    <message>
        <source>Frames a second</source>
        <translation>Bilder pro Sekunde</translation>
    </message>
    <message>
        <source>Fewer keep the machine cooler.</source>
        <translation>Weniger halten den Computer kühler.</translation>
    </message>
    <message>
        <source>Speak</source>
        <translation>Sprechen</translation>
    </message>
    <message>
        <source>Hints such as “hold still”, the names that are found and what was watched for are said aloud.</source>
        <translation>Hinweise wie „Halten Sie still“, gefundene Namen und das, worauf geachtet wurde, werden laut gesagt.</translation>
    </message>
    <message>
        <source>Show figures</source>
        <translation>Zahlen zeigen</translation>
    </message>
    <message>
        <source>How fast the camera and the model are, and why frames were left out, in a corner of the live picture.</source>
        <translation>Wie schnell Kamera und Modell sind und warum Bilder ausgelassen wurden, in einer Ecke des Live-Bildes.</translation>
    </message>
    <message>
        <source>Keep what was watched for</source>
        <translation>Behalten, worauf geachtet wurde</translation>
    </message>
    <message>
        <source>A picture of it goes into the conversation, with the time.</source>
        <translation>Ein Bild davon kommt mit der Uhrzeit in die Unterhaltung.</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>Sprache</translation>
    </message>
    <message>
        <source>The language of menus and messages.</source>
        <translation>Die Sprache der Menüs und Meldungen.</translation>
    </message>
</context>
</TS>
