<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="es" sourcelanguage="en">
<context>
    <name>Region</name>
    <message>
        <source>Draw a rectangle around the part of the screen; Escape to give up</source>
        <translation>Dibuje un rectángulo alrededor de la parte de la pantalla; Esc para cancelar</translation>
    </message>
</context>
<context>
    <name>Wording</name>
    <message>
        <source>The camera sends something that is not a picture.</source>
        <translation>La cámara envía algo que no es una imagen.</translation>
    </message>
    <message>
        <source>Use another camera.</source>
        <translation>Use otra cámara.</translation>
    </message>
    <message>
        <source>Opening the camera</source>
        <translation>Abriendo la cámara</translation>
    </message>
    <message>
        <source>The camera has sent no picture for {seconds} seconds.</source>
        <translation>La cámara no ha enviado ninguna imagen desde hace {seconds} segundos.</translation>
    </message>
    <message>
        <source>Check its cable or its network.</source>
        <translation>Compruebe su cable o su red.</translation>
    </message>
    <message>
        <source>The camera cannot be read.</source>
        <translation>La cámara no se puede leer.</translation>
    </message>
    <message>
        <source>Unplug it and plug it in again.</source>
        <translation>Desenchúfela y vuelva a enchufarla.</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>En directo</translation>
    </message>
    <message>
        <source>The camera is off</source>
        <translation>La cámara está apagada</translation>
    </message>
    <message>
        <source>The video has ended</source>
        <translation>El vídeo ha terminado</translation>
    </message>
    <message>
        <source>Opening the camera again</source>
        <translation>Abriendo la cámara de nuevo</translation>
    </message>
    <message>
        <source>There is nothing to save yet.</source>
        <translation>Todavía no hay nada que guardar.</translation>
    </message>
    <message>
        <source>Wait until the camera shows a picture.</source>
        <translation>Espere hasta que la cámara muestre una imagen.</translation>
    </message>
    <message>
        <source>The clip could not be saved.</source>
        <translation>No se pudo guardar el clip.</translation>
    </message>
    <message>
        <source>Check that the folder can be written.</source>
        <translation>Compruebe que se puede escribir en la carpeta.</translation>
    </message>
    <message>
        <source>Open a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP, JPEG 2000 or PPM picture.</source>
        <translation>Abra una imagen JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP, JPEG 2000 o PPM.</translation>
    </message>
    <message>
        <source>{name} is not a picture that Spyglass can read.</source>
        <translation>{name} no es una imagen que Spyglass pueda leer.</translation>
    </message>
    <message>
        <source>Spyglass does not fetch pictures from addresses.</source>
        <translation>Spyglass no descarga imágenes de direcciones.</translation>
    </message>
    <message>
        <source>Save the picture to a file and open that.</source>
        <translation>Guarde la imagen en un archivo y ábralo.</translation>
    </message>
    <message>
        <source>Choose another picture.</source>
        <translation>Elija otra imagen.</translation>
    </message>
    <message>
        <source>Save the picture smaller.</source>
        <translation>Guarde la imagen más pequeña.</translation>
    </message>
    <message>
        <source>Choose a picture inside it.</source>
        <translation>Elija una imagen que esté dentro.</translation>
    </message>
    <message>
        <source>Choose a picture file.</source>
        <translation>Elija un archivo de imagen.</translation>
    </message>
    <message>
        <source>{name} is an SVG drawing, which has no pixels.</source>
        <translation>{name} es un dibujo SVG, que no tiene píxeles.</translation>
    </message>
    <message>
        <source>{name} is a PDF document.</source>
        <translation>{name} es un documento PDF.</translation>
    </message>
    <message>
        <source>{name} has {width} x {height} = {millions:.0f} million pixels; {most:.0f} are the most.</source>
        <translation>{name} tiene {width} × {height} = {millions:.0f} millones de píxeles; el máximo son {most:.0f}.</translation>
    </message>
    <message>
        <source>Check its name and folder.</source>
        <translation>Compruebe su nombre y su carpeta.</translation>
    </message>
    <message>
        <source>Change its permissions or copy it.</source>
        <translation>Cambie sus permisos o cópielo.</translation>
    </message>
    <message>
        <source>Check the path and the disk.</source>
        <translation>Compruebe la ruta y el disco.</translation>
    </message>
    <message>
        <source>{name} is empty.</source>
        <translation>{name} está vacío.</translation>
    </message>
    <message>
        <source>{name} has more than {size} MiB.</source>
        <translation>{name} tiene más de {size} MiB.</translation>
    </message>
    <message>
        <source>Get it again, or save it anew in another program.</source>
        <translation>Consígala de nuevo, o guárdela otra vez en otro programa.</translation>
    </message>
    <message>
        <source>{name} is a folder.</source>
        <translation>{name} es una carpeta.</translation>
    </message>
    <message>
        <source>{name} is a pipe or a device, not a file.</source>
        <translation>{name} es una tubería o un dispositivo, no un archivo.</translation>
    </message>
    <message>
        <source>Open it in another program and save it there as a PNG picture.</source>
        <translation>Ábralo en otro programa y guárdelo allí como imagen PNG.</translation>
    </message>
    <message>
        <source>Open it in another program and save the page there as a PNG picture.</source>
        <translation>Ábralo en otro programa y guarde allí la página como imagen PNG.</translation>
    </message>
    <message>
        <source>There is no file {name}.</source>
        <translation>No hay ningún archivo {name}.</translation>
    </message>
    <message>
        <source>You may not read {name}.</source>
        <translation>No tiene permiso para leer {name}.</translation>
    </message>
    <message>
        <source>{name} cannot be read.</source>
        <translation>{name} no se puede leer.</translation>
    </message>
    <message>
        <source>{name} is damaged or cut short.</source>
        <translation>{name} está dañado o incompleto.</translation>
    </message>
    <message>
        <source>The camera shows only black. Is it covered?</source>
        <translation>La cámara solo muestra negro. ¿Está tapada?</translation>
    </message>
    <message>
        <source>It is too dark.</source>
        <translation>Está demasiado oscuro.</translation>
    </message>
    <message>
        <source>It is too bright.</source>
        <translation>Hay demasiada luz.</translation>
    </message>
    <message>
        <source>Out of focus. Hold still, or move back a little.</source>
        <translation>Desenfocado. No se mueva, o aléjese un poco.</translation>
    </message>
    <message>
        <source>Hold still.</source>
        <translation>No se mueva.</translation>
    </message>
    <message>
        <source>Nothing has changed.</source>
        <translation>No ha cambiado nada.</translation>
    </message>
    <message>
        <source>This desktop lets no program look at the screen by itself.</source>
        <translation>Este escritorio no deja que ningún programa mire la pantalla por sí mismo.</translation>
    </message>
    <message>
        <source>Take a screenshot with the desktop&apos;s own key and paste it here.</source>
        <translation>Haga una captura de pantalla con la tecla del escritorio y péguela aquí.</translation>
    </message>
    <message>
        <source>The screen cannot be seen.</source>
        <translation>La pantalla no se puede ver.</translation>
    </message>
    <message>
        <source>Take a screenshot and paste it here.</source>
        <translation>Haga una captura de pantalla y péguela aquí.</translation>
    </message>
    <message>
        <source>Check the name, or name a camera instead.</source>
        <translation>Compruebe el nombre, o indique una cámara.</translation>
    </message>
    <message>
        <source>There is no file or folder &quot;{name}&quot;.</source>
        <translation>No hay ningún archivo ni carpeta «{name}».</translation>
    </message>
    <message>
        <source>Close other programs that use the camera, or unplug it and plug it in again.</source>
        <translation>Cierre otros programas que usen la cámara, o desenchúfela y vuelva a enchufarla.</translation>
    </message>
    <message>
        <source>Add your account to the group &quot;video&quot; and log in again.</source>
        <translation>Añada su cuenta al grupo «video» e inicie sesión de nuevo.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; stopped delivering.</source>
        <translation>La cámara «{name}» ha dejado de enviar imágenes.</translation>
    </message>
    <message>
        <source>Check its cable, or plug it in again.</source>
        <translation>Compruebe su cable, o enchúfela de nuevo.</translation>
    </message>
    <message>
        <source>No camera was found.</source>
        <translation>No se encontró ninguna cámara.</translation>
    </message>
    <message>
        <source>Plug one in, or give a video file or the address of a network camera.</source>
        <translation>Enchufe una, o indique un archivo de vídeo o la dirección de una cámara de red.</translation>
    </message>
    <message>
        <source>There is no camera called &quot;{name}&quot;.</source>
        <translation>No hay ninguna cámara llamada «{name}».</translation>
    </message>
    <message>
        <source>Plug it in, or use one of these: {names}.</source>
        <translation>Enchúfela, o use una de estas: {names}.</translation>
    </message>
    <message>
        <source>Plug it in.</source>
        <translation>Enchúfela.</translation>
    </message>
    <message>
        <source>Allow it under Settings, Privacy &amp; security, Camera.</source>
        <translation>Permítalo en Configuración, Privacidad y seguridad, Cámara.</translation>
    </message>
    <message>
        <source>Allow it under System Settings, Privacy &amp; Security, Camera.</source>
        <translation>Permítalo en Ajustes del Sistema, Privacidad y seguridad, Cámara.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; could not be opened.</source>
        <translation>No se pudo abrir la cámara «{name}».</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; is not there.</source>
        <translation>La cámara «{name}» no está.</translation>
    </message>
    <message>
        <source>This account may not use the camera &quot;{name}&quot;.</source>
        <translation>Esta cuenta no puede usar la cámara «{name}».</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; was unplugged.</source>
        <translation>Se ha desenchufado la cámara «{name}».</translation>
    </message>
    <message>
        <source>Plug it in again.</source>
        <translation>Enchúfela de nuevo.</translation>
    </message>
    <message>
        <source>{one} {other}</source>
        <translation>{one} {other}</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; is busy.</source>
        <translation>La cámara «{name}» está ocupada.</translation>
    </message>
    <message>
        <source>Take it out of the folder.</source>
        <translation>Sáquela de la carpeta.</translation>
    </message>
    <message>
        <source>Try another file.</source>
        <translation>Pruebe con otro archivo.</translation>
    </message>
    <message>
        <source>Choose a folder of JPEG or PNG files.</source>
        <translation>Elija una carpeta con archivos JPEG o PNG.</translation>
    </message>
    <message>
        <source>&quot;{name}&quot; is not a picture that can be read.</source>
        <translation>«{name}» no es una imagen que se pueda leer.</translation>
    </message>
    <message>
        <source>&quot;{name}&quot; is not a video that can be read.</source>
        <translation>«{name}» no es un vídeo que se pueda leer.</translation>
    </message>
    <message>
        <source>There is no picture in &quot;{name}&quot;.</source>
        <translation>No hay ninguna imagen en «{name}».</translation>
    </message>
    <message>
        <source>Give an address that starts with rtsp:// or http://.</source>
        <translation>Indique una dirección que empiece por rtsp:// o http://.</translation>
    </message>
    <message>
        <source>The address of the stream names no machine.</source>
        <translation>La dirección de la transmisión no nombra ningún equipo.</translation>
    </message>
    <message>
        <source>Write it like http://192.168.0.20:8080/video.</source>
        <translation>Escríbala así: http://192.168.0.20:8080/video.</translation>
    </message>
    <message>
        <source>The stream from {host} broke off.</source>
        <translation>La transmisión de {host} se ha interrumpido.</translation>
    </message>
    <message>
        <source>Check that the camera is on and in reach.</source>
        <translation>Compruebe que la cámara está encendida y al alcance.</translation>
    </message>
    <message>
        <source>Write the address like http://name:password@host/.</source>
        <translation>Escriba la dirección así: http://nombre:contraseña@equipo/.</translation>
    </message>
    <message>
        <source>Spyglass cannot read &quot;{scheme}&quot; streams.</source>
        <translation>Spyglass no puede leer transmisiones «{scheme}».</translation>
    </message>
    <message>
        <source>Check the address, and that the camera is on and in the same network.</source>
        <translation>Compruebe la dirección, y que la cámara está encendida y en la misma red.</translation>
    </message>
    <message>
        <source>The camera at {host} wants a password.</source>
        <translation>La cámara de {host} pide una contraseña.</translation>
    </message>
    <message>
        <source>Nothing that is a video answers at {host}.</source>
        <translation>En {host} no responde nada que sea un vídeo.</translation>
    </message>
    <message>
        <source>What is typed could not be saved.</source>
        <translation>No se pudo guardar lo que está escrito.</translation>
    </message>
    <message>
        <source>The conversation could not be saved; it is there until the program ends.</source>
        <translation>No se pudo guardar la conversación; estará aquí hasta que termine el programa.</translation>
    </message>
    <message>
        <source>Check the disk and the permissions of the folder for conversations.</source>
        <translation>Compruebe el disco y los permisos de la carpeta de conversaciones.</translation>
    </message>
    <message>
        <source>This conversation cannot be read.</source>
        <translation>No se puede leer esta conversación.</translation>
    </message>
    <message>
        <source>Choose another one, or begin a new one.</source>
        <translation>Elija otra o empiece una nueva.</translation>
    </message>
    <message>
        <source>The conversation could not be deleted.</source>
        <translation>No se pudo eliminar la conversación.</translation>
    </message>
    <message>
        <source>Check the permissions of the folder for conversations.</source>
        <translation>Compruebe los permisos de la carpeta de conversaciones.</translation>
    </message>
    <message>
        <source>The model computes nonsense instead of an answer.</source>
        <translation>El modelo calcula cosas sin sentido en lugar de una respuesta.</translation>
    </message>
    <message>
        <source>Its file may be damaged: download or convert it again.</source>
        <translation>Su archivo puede estar dañado: descárguelo o conviértalo de nuevo.</translation>
    </message>
    <message>
        <source>The engine ran out of memory.</source>
        <translation>El motor se ha quedado sin memoria.</translation>
    </message>
    <message>
        <source>Choose a smaller model, a shorter context or a smaller picture.</source>
        <translation>Elija un modelo más pequeño, un contexto más corto o una imagen más pequeña.</translation>
    </message>
    <message>
        <source>The engine made an internal error.</source>
        <translation>El motor ha cometido un error interno.</translation>
    </message>
    <message>
        <source>Ask again; if it happens again, please report it with the details.</source>
        <translation>Pregunte de nuevo; si vuelve a ocurrir, informe de ello con los detalles.</translation>
    </message>
    <message>
        <source>The engine has been closed.</source>
        <translation>El motor se ha cerrado.</translation>
    </message>
    <message>
        <source>Start Spyglass again.</source>
        <translation>Inicie Spyglass de nuevo.</translation>
    </message>
    <message>
        <source>The question cannot be handed to the engine.</source>
        <translation>La pregunta no se puede entregar al motor.</translation>
    </message>
    <message>
        <source>Ask with smaller pictures or in a new conversation.</source>
        <translation>Pregunte con imágenes más pequeñas o en una conversación nueva.</translation>
    </message>
    <message>
        <source>The engine&apos;s client failed.</source>
        <translation>La conexión con el motor ha fallado.</translation>
    </message>
    <message>
        <source>Ask again; if it happens again with this model, its file may be damaged or too new: try another model.</source>
        <translation>Pregunte de nuevo; si vuelve a ocurrir con este modelo, su archivo puede estar dañado o ser demasiado nuevo: pruebe con otro.</translation>
    </message>
    <message>
        <source>Close other programs, or choose a smaller model or a shorter context, and ask again.</source>
        <translation>Cierre otros programas, o elija un modelo más pequeño o un contexto más corto, y pregunte de nuevo.</translation>
    </message>
    <message>
        <source>Start Spyglass again; if that does not help, install it again.</source>
        <translation>Inicie Spyglass de nuevo; si eso no ayuda, instálelo otra vez.</translation>
    </message>
    <message>
        <source>The engine sent something that makes no sense and was ended.</source>
        <translation>El motor envió algo sin sentido y se ha detenido.</translation>
    </message>
    <message>
        <source>The engine stopped responding and was ended.</source>
        <translation>El motor dejó de responder y se ha detenido.</translation>
    </message>
    <message>
        <source>The engine made no progress for a long time and was ended.</source>
        <translation>El motor no avanzaba desde hacía mucho y se ha detenido.</translation>
    </message>
    <message>
        <source>The engine used more memory than it is allowed and was ended.</source>
        <translation>El motor usó más memoria de la permitida y se ha detenido.</translation>
    </message>
    <message>
        <source>Spyglass was updated while it was running.</source>
        <translation>Spyglass se actualizó mientras estaba en marcha.</translation>
    </message>
    <message>
        <source>Close Spyglass and start it again.</source>
        <translation>Cierre Spyglass y ábralo de nuevo.</translation>
    </message>
    <message>
        <source>The engine could not be started.</source>
        <translation>No se pudo iniciar el motor.</translation>
    </message>
    <message>
        <source>The engine was ended by the system, most likely because memory ran out.</source>
        <translation>El sistema detuvo el motor, probablemente porque se agotó la memoria.</translation>
    </message>
    <message>
        <source>The engine could not get the memory it needed.</source>
        <translation>El motor no obtuvo la memoria que necesitaba.</translation>
    </message>
    <message>
        <source>The engine crashed in its native code.</source>
        <translation>El motor falló en su código nativo.</translation>
    </message>
    <message>
        <source>The engine ended itself because one of its internal checks failed.</source>
        <translation>El motor se detuvo porque falló una de sus comprobaciones internas.</translation>
    </message>
    <message>
        <source>The engine ended itself, most likely because it could not get more memory.</source>
        <translation>El motor se detuvo, probablemente porque no pudo obtener más memoria.</translation>
    </message>
    <message>
        <source>The engine was built for a newer processor than the one in this computer.</source>
        <translation>El motor se compiló para un procesador más nuevo que el de este equipo.</translation>
    </message>
    <message>
        <source>Install the build of Spyglass that runs on every processor.</source>
        <translation>Instale la versión de Spyglass que funciona en cualquier procesador.</translation>
    </message>
    <message>
        <source>The engine could not read on in the model file: the file became shorter or its disk failed.</source>
        <translation>El motor no pudo seguir leyendo el archivo del modelo: el archivo se acortó o su disco falló.</translation>
    </message>
    <message>
        <source>Check the disk, then download or copy the model again.</source>
        <translation>Compruebe el disco y después descargue o copie el modelo de nuevo.</translation>
    </message>
    <message>
        <source>A library that the engine needs is missing or does not fit this system.</source>
        <translation>Falta una biblioteca que el motor necesita, o no es adecuada para este sistema.</translation>
    </message>
    <message>
        <source>The engine was stopped from outside Spyglass.</source>
        <translation>El motor se detuvo desde fuera de Spyglass.</translation>
    </message>
    <message>
        <source>Ask again; the engine starts anew by itself.</source>
        <translation>Pregunte de nuevo; el motor se reinicia por sí mismo.</translation>
    </message>
    <message>
        <source>The engine ended unexpectedly.</source>
        <translation>El motor terminó de forma inesperada.</translation>
    </message>
    <message>
        <source>A quantised KV cache needs flash attention.</source>
        <translation>Una caché KV cuantizada necesita Flash Attention.</translation>
    </message>
    <message>
        <source>Turn it on, or choose the f16 cache.</source>
        <translation>Actívela, o elija la caché f16.</translation>
    </message>
    <message>
        <source>The prompt is empty.</source>
        <translation>La petición está vacía.</translation>
    </message>
    <message>
        <source>Write one.</source>
        <translation>Escriba una.</translation>
    </message>
    <message>
        <source>Give one picture a mark.</source>
        <translation>Dé una marca a cada imagen.</translation>
    </message>
    <message>
        <source>The prompt shows {marks} pictures, but there are {count}.</source>
        <translation>La petición muestra {marks} imágenes, pero hay {count}.</translation>
    </message>
    <message>
        <source>Choose a model of that kind, or let the program choose how to run this one.</source>
        <translation>Elija un modelo de ese tipo, o deje que el programa elija cómo ejecutar este.</translation>
    </message>
    <message>
        <source>Join the parts with llama-gguf-split --merge.</source>
        <translation>Una las partes con llama-gguf-split --merge.</translation>
    </message>
    <message>
        <source>{name} is not a Llama 3.2 Vision model.</source>
        <translation>{name} no es un modelo Llama 3.2 Vision.</translation>
    </message>
    <message>
        <source>{name} is one part of a model in several files.</source>
        <translation>{name} es una parte de un modelo en varios archivos.</translation>
    </message>
    <message>
        <source>Download or convert the model again.</source>
        <translation>Descargue o convierta el modelo de nuevo.</translation>
    </message>
    <message>
        <source>The sizes written in {name} contradict one another.</source>
        <translation>Los tamaños escritos en {name} se contradicen.</translation>
    </message>
    <message>
        <source>The library that runs models has no code for this processor.</source>
        <translation>La biblioteca que ejecuta modelos no tiene código para este procesador.</translation>
    </message>
    <message>
        <source>Install it again.</source>
        <translation>Instálela de nuevo.</translation>
    </message>
    <message>
        <source>The model&apos;s parts do not fit together.</source>
        <translation>Las partes del modelo no encajan.</translation>
    </message>
    <message>
        <source>Choose another model file.</source>
        <translation>Elija otro archivo de modelo.</translation>
    </message>
    <message>
        <source>There is not enough memory for the computation.</source>
        <translation>No hay memoria suficiente para el cálculo.</translation>
    </message>
    <message>
        <source>Choose a smaller context or close other programs.</source>
        <translation>Elija un contexto más pequeño o cierre otros programas.</translation>
    </message>
    <message>
        <source>The computation failed.</source>
        <translation>El cálculo ha fallado.</translation>
    </message>
    <message>
        <source>Try again, without the GPU if there is one.</source>
        <translation>Inténtelo de nuevo, sin la GPU si la hay.</translation>
    </message>
    <message>
        <source>Download or convert it again; if it comes in two files, give both.</source>
        <translation>Descárguelo o conviértalo de nuevo; si viene en dos archivos, indique ambos.</translation>
    </message>
    <message>
        <source>The model file {name} is incomplete.</source>
        <translation>El archivo de modelo {name} está incompleto.</translation>
    </message>
    <message>
        <source>Download or convert it again.</source>
        <translation>Descárguelo o conviértalo de nuevo.</translation>
    </message>
    <message>
        <source>The model file {name} does not fit its own description.</source>
        <translation>El archivo de modelo {name} no concuerda con su propia descripción.</translation>
    </message>
    <message>
        <source>A picture of this conversation is missing.</source>
        <translation>Falta una imagen de esta conversación.</translation>
    </message>
    <message>
        <source>Add it again.</source>
        <translation>Añádala de nuevo.</translation>
    </message>
    <message>
        <source>Start a new conversation, or choose a larger context in the settings.</source>
        <translation>Empiece una conversación nueva, o elija un contexto mayor en los ajustes.</translation>
    </message>
    <message>
        <source>The conversation is {tokens} tokens long, but the context holds {context}.</source>
        <translation>La conversación tiene {tokens} tokens, pero en el contexto caben {context}.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary does not fit its weights.</source>
        <translation>El vocabulario del modelo no concuerda con sus pesos.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary is not Llama 3&apos;s.</source>
        <translation>El vocabulario del modelo no es el de Llama 3.</translation>
    </message>
    <message>
        <source>Use another model file.</source>
        <translation>Use otro archivo de modelo.</translation>
    </message>
    <message>
        <source>Close other programs, or use fewer layers on the GPU.</source>
        <translation>Cierre otros programas, o use menos capas en la GPU.</translation>
    </message>
    <message>
        <source>{size} MiB for the model could not be had.</source>
        <translation>No se pudieron obtener {size} MiB para el modelo.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary cannot read this text.</source>
        <translation>El vocabulario del modelo no puede leer este texto.</translation>
    </message>
    <message>
        <source>Use another model.</source>
        <translation>Use otro modelo.</translation>
    </message>
    <message>
        <source>The vocabulary in {name} cannot be read.</source>
        <translation>El vocabulario de {name} no se puede leer.</translation>
    </message>
    <message>
        <source>Wait until it is complete.</source>
        <translation>Espere hasta que esté completo.</translation>
    </message>
    <message>
        <source>The model file {name} changed while it was being opened.</source>
        <translation>El archivo de modelo {name} cambió mientras se abría.</translation>
    </message>
    <message>
        <source>Choose the projector that was published with the model.</source>
        <translation>Elija el proyector que se publicó con el modelo.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s own file, and this one as its projector.</source>
        <translation>Elija el archivo del propio modelo, y este como su proyector.</translation>
    </message>
    <message>
        <source>Choose the projector that belongs to the model; its name usually begins with mmproj.</source>
        <translation>Elija el proyector del modelo; su nombre suele empezar por mmproj.</translation>
    </message>
    <message>
        <source>The projector {name} belongs to another model.</source>
        <translation>El proyector {name} es de otro modelo.</translation>
    </message>
    <message>
        <source>{name} is the vision part of a model, not the model itself.</source>
        <translation>{name} es la parte visual de un modelo, no el modelo mismo.</translation>
    </message>
    <message>
        <source>{name} is not the vision part of a model.</source>
        <translation>{name} no es la parte visual de un modelo.</translation>
    </message>
    <message>
        <source>This model cannot see pictures without its projector.</source>
        <translation>Sin su proyector, este modelo no puede ver imágenes.</translation>
    </message>
    <message>
        <source>Choose its projector too: the file beside it whose name begins with mmproj.</source>
        <translation>Elija también su proyector: el archivo que está al lado y cuyo nombre empieza por mmproj.</translation>
    </message>
    <message>
        <source>A picture of the conversation is missing.</source>
        <translation>Falta una imagen de la conversación.</translation>
    </message>
    <message>
        <source>Add the picture again.</source>
        <translation>Añada la imagen de nuevo.</translation>
    </message>
    <message>
        <source>The model&apos;s chat template ends with a picture, not with a question.</source>
        <translation>La plantilla de chat del modelo termina con una imagen, no con una pregunta.</translation>
    </message>
    <message>
        <source>Start a new conversation, show fewer or smaller pictures, or choose a larger context in the settings.</source>
        <translation>Empiece una conversación nueva, muestre menos imágenes o más pequeñas, o elija un contexto mayor en los ajustes.</translation>
    </message>
    <message>
        <source>Start a new conversation, ask for less at once, or choose a larger context in the settings.</source>
        <translation>Empiece una conversación nueva, pregunte menos cosas a la vez, o elija un contexto mayor en los ajustes.</translation>
    </message>
    <message>
        <source>The conversation has {tokens} tokens, but the model was loaded for {context}.</source>
        <translation>La conversación tiene {tokens} tokens, pero el modelo se cargó para {context}.</translation>
    </message>
    <message>
        <source>The model cannot prepare this picture.</source>
        <translation>El modelo no puede preparar esta imagen.</translation>
    </message>
    <message>
        <source>Try another picture.</source>
        <translation>Pruebe con otra imagen.</translation>
    </message>
    <message>
        <source>The model could not read the conversation.</source>
        <translation>El modelo no pudo leer la conversación.</translation>
    </message>
    <message>
        <source>Try again.</source>
        <translation>Inténtelo de nuevo.</translation>
    </message>
    <message>
        <source>Download it again or use another one.</source>
        <translation>Descárguelo de nuevo o use otro.</translation>
    </message>
    <message>
        <source>Use a chat model.</source>
        <translation>Use un modelo de chat.</translation>
    </message>
    <message>
        <source>The model cannot be started.</source>
        <translation>El modelo no se puede iniciar.</translation>
    </message>
    <message>
        <source>Choose a smaller context or another model.</source>
        <translation>Elija un contexto más pequeño u otro modelo.</translation>
    </message>
    <message>
        <source>The model does not write text.</source>
        <translation>El modelo no escribe texto.</translation>
    </message>
    <message>
        <source>The model {name} cannot be loaded.</source>
        <translation>El modelo {name} no se puede cargar.</translation>
    </message>
    <message>
        <source>The model {name} cannot hold a conversation.</source>
        <translation>El modelo {name} no puede mantener una conversación.</translation>
    </message>
    <message>
        <source>The model cannot read this conversation.</source>
        <translation>El modelo no puede leer esta conversación.</translation>
    </message>
    <message>
        <source>Try another picture or another model.</source>
        <translation>Pruebe con otra imagen u otro modelo.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s projector for pictures.</source>
        <translation>Elija el proyector del modelo para imágenes.</translation>
    </message>
    <message>
        <source>The model could not look at the picture.</source>
        <translation>El modelo no pudo mirar la imagen.</translation>
    </message>
    <message>
        <source>The picture takes more tokens than the model reads at once.</source>
        <translation>La imagen ocupa más tokens de los que el modelo lee de una vez.</translation>
    </message>
    <message>
        <source>The projector {name} cannot be used with this model.</source>
        <translation>El proyector {name} no se puede usar con este modelo.</translation>
    </message>
    <message>
        <source>The projector {name} is not for pictures.</source>
        <translation>El proyector {name} no es para imágenes.</translation>
    </message>
    <message>
        <source>The model cannot tell the size of a picture.</source>
        <translation>El modelo no puede decir el tamaño de una imagen.</translation>
    </message>
    <message>
        <source>{size:.0f} MiB</source>
        <translation>{size:.0f}&#xa0;MiB</translation>
    </message>
    <message>
        <source>Close other programs or use a smaller model.</source>
        <translation>Cierre otros programas o use un modelo más pequeño.</translation>
    </message>
    <message>
        <source>{size:.1f} GiB</source>
        <translation>{size:.1f}&#xa0;GiB</translation>
    </message>
    <message>
        <source>The model needs {needed} of memory, but only {free} are free.</source>
        <translation>El modelo necesita {needed} de memoria, pero solo hay {free} libres.</translation>
    </message>
    <message>
        <source>A context of {tokens} tokens needs {needed} of memory, but only {free} are free.</source>
        <translation>Un contexto de {tokens} tokens necesita {needed} de memoria, pero solo hay {free} libres.</translation>
    </message>
    <message>
        <source>Choose a context of {tokens} tokens or fewer, or close other programs.</source>
        <translation>Elija un contexto de {tokens} tokens o menos, o cierre otros programas.</translation>
    </message>
    <message>
        <source>Install llama-cpp-python 0.3.36 again.</source>
        <translation>Instale llama-cpp-python 0.3.36 de nuevo.</translation>
    </message>
    <message>
        <source>The library that runs models is {name} {found}, but {wanted} is needed.</source>
        <translation>La biblioteca que ejecuta modelos es {name} {found}, pero se necesita {wanted}.</translation>
    </message>
    <message>
        <source>The library that runs models is not installed.</source>
        <translation>La biblioteca que ejecuta modelos no está instalada.</translation>
    </message>
    <message>
        <source>Install llama-cpp-python 0.3.36.</source>
        <translation>Instale llama-cpp-python 0.3.36.</translation>
    </message>
    <message>
        <source>The library that runs models cannot be loaded.</source>
        <translation>La biblioteca que ejecuta modelos no se puede cargar.</translation>
    </message>
    <message>
        <source>The libraries that run models cannot be loaded on this computer.</source>
        <translation>Las bibliotecas que ejecutan modelos no se pueden cargar en este equipo.</translation>
    </message>
    <message>
        <source>Install Spyglass again; `spyglass doctor` tells more.</source>
        <translation>Instale Spyglass de nuevo; `spyglass doctor` dice más.</translation>
    </message>
    <message>
        <source>The form of answer that was asked for cannot be enforced.</source>
        <translation>La forma de respuesta que se pidió no se puede imponer.</translation>
    </message>
    <message>
        <source>Use a simpler JSON schema.</source>
        <translation>Use un esquema JSON más sencillo.</translation>
    </message>
    <message>
        <source>The model computed something that is not a number.</source>
        <translation>El modelo calculó algo que no es un número.</translation>
    </message>
    <message>
        <source>Its file is damaged: download or convert it again.</source>
        <translation>Su archivo está dañado: descárguelo o conviértalo de nuevo.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary cannot write the form of answer that was asked for.</source>
        <translation>El vocabulario del modelo no puede escribir la forma de respuesta que se pidió.</translation>
    </message>
    <message>
        <source>The chat template inside the model file does not work.</source>
        <translation>La plantilla de chat del archivo de modelo no funciona.</translation>
    </message>
    <message>
        <source>Download the model again or use another one.</source>
        <translation>Descargue el modelo de nuevo o use otro.</translation>
    </message>
    <message>
        <source>The model&apos;s chat template refuses this conversation.</source>
        <translation>La plantilla de chat del modelo rechaza esta conversación.</translation>
    </message>
    <message>
        <source>Start a new conversation or use another model.</source>
        <translation>Empiece una conversación nueva o use otro modelo.</translation>
    </message>
    <message>
        <source>{what} {todo}</source>
        <translation>{what} {todo}</translation>
    </message>
    <message>
        <source>The model file {name} is damaged or is not a GGUF file.</source>
        <translation>El archivo de modelo {name} está dañado o no es un archivo GGUF.</translation>
    </message>
    <message>
        <source>Check that it exists and may be read.</source>
        <translation>Compruebe que existe y que se puede leer.</translation>
    </message>
    <message>
        <source>The model file {name} cannot be read.</source>
        <translation>El archivo de modelo {name} no se puede leer.</translation>
    </message>
    <message>
        <source>Check that it is still there.</source>
        <translation>Compruebe que sigue ahí.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s own file.</source>
        <translation>Elija el archivo del propio modelo.</translation>
    </message>
    <message>
        <source>Spyglass does not load models from addresses.</source>
        <translation>Spyglass no carga modelos desde direcciones.</translation>
    </message>
    <message>
        <source>Download the model and name the file.</source>
        <translation>Descargue el modelo e indique el archivo.</translation>
    </message>
    <message>
        <source>There is no model file {name}.</source>
        <translation>No hay ningún archivo de modelo {name}.</translation>
    </message>
    <message>
        <source>Choose a GGUF file.</source>
        <translation>Elija un archivo GGUF.</translation>
    </message>
    <message>
        <source>Choose another model.</source>
        <translation>Elija otro modelo.</translation>
    </message>
    <message>
        <source>The folder holds several models.</source>
        <translation>La carpeta contiene varios modelos.</translation>
    </message>
    <message>
        <source>Several models&apos; names begin with {name}.</source>
        <translation>Los nombres de varios modelos empiezan por {name}.</translation>
    </message>
    <message>
        <source>No model&apos;s name begins with {name}.</source>
        <translation>Ningún nombre de modelo empieza por {name}.</translation>
    </message>
    <message>
        <source>Choose one of {names}, or name a file.</source>
        <translation>Elija uno de estos: {names}, o indique un archivo.</translation>
    </message>
    <message>
        <source>The part {name} is missing.</source>
        <translation>Falta la parte {name}.</translation>
    </message>
    <message>
        <source>Its projector (mmproj) is not beside it.</source>
        <translation>Su proyector (mmproj) no está al lado.</translation>
    </message>
    <message>
        <source>{name} is a model&apos;s projector, not the model itself.</source>
        <translation>{name} es el proyector de un modelo, no el modelo mismo.</translation>
    </message>
    <message>
        <source>{name} is a file that goes with a model, not the model itself.</source>
        <translation>{name} es un archivo que acompaña a un modelo, no el modelo mismo.</translation>
    </message>
    <message>
        <source>The starter model is not part of this copy of Spyglass.</source>
        <translation>El modelo inicial no forma parte de esta copia de Spyglass.</translation>
    </message>
    <message>
        <source>{name} is a checkpoint, not a GGUF file.</source>
        <translation>{name} es un checkpoint, no un archivo GGUF.</translation>
    </message>
    <message>
        <source>Convert it: spyglass models convert.</source>
        <translation>Conviértalo: spyglass models convert.</translation>
    </message>
    <message>
        <source>{name} is a folder without a usable model.</source>
        <translation>{name} es una carpeta sin ningún modelo utilizable.</translation>
    </message>
    <message>
        <source>{name} is not a file.</source>
        <translation>{name} no es un archivo.</translation>
    </message>
    <message>
        <source>Choose one of {names}.</source>
        <translation>Elija uno de estos: {names}.</translation>
    </message>
    <message>
        <source>The model&apos;s path holds bytes that are not UTF-8.</source>
        <translation>La ruta del modelo contiene bytes que no son UTF-8.</translation>
    </message>
    <message>
        <source>Rename the file.</source>
        <translation>Cambie el nombre del archivo.</translation>
    </message>
    <message>
        <source>Put its projector (the name usually begins with mmproj) into the same folder, or name it.</source>
        <translation>Ponga su proyector (el nombre suele empezar por mmproj) en la misma carpeta, o indíquelo.</translation>
    </message>
    <message>
        <source>{name} reads text only, and its projector is not beside it.</source>
        <translation>{name} solo lee texto, y su proyector no está al lado.</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>Preguntar</translation>
    </message>
    <message>
        <source>Recognise</source>
        <translation>Reconocer</translation>
    </message>
    <message>
        <source>Nothing that I know.</source>
        <translation>Nada que conozca.</translation>
    </message>
    <message>
        <source>Looking.</source>
        <translation>Mirando.</translation>
    </message>
    <message>
        <source>Resting, to keep the machine cool.</source>
        <translation>Descansando, para que el equipo no se caliente.</translation>
    </message>
    <message>
        <source>Resting, to save the battery.</source>
        <translation>Descansando, para ahorrar batería.</translation>
    </message>
    <message>
        <source>Trying again soon.</source>
        <translation>Nuevo intento en breve.</translation>
    </message>
    <message>
        <source>Paused.</source>
        <translation>En pausa.</translation>
    </message>
    <message>
        <source>Save it as text in UTF-8, a line for each term.</source>
        <translation>Guárdelo como texto en UTF-8, una línea por término.</translation>
    </message>
    <message>
        <source>Write each one as: term = word.</source>
        <translation>Escriba cada uno así: término = palabra.</translation>
    </message>
    <message>
        <source>There is no glossary {name}.</source>
        <translation>No hay ningún glosario {name}.</translation>
    </message>
    <message>
        <source>The glossary {name} cannot be read.</source>
        <translation>El glosario {name} no se puede leer.</translation>
    </message>
    <message>
        <source>Line {number} of the glossary is no term.</source>
        <translation>La línea {number} del glosario no es un término.</translation>
    </message>
    <message>
        <source>The language {code} is not offered.</source>
        <translation>El idioma {code} no se ofrece.</translation>
    </message>
    <message>
        <source>Point the camera at the text again.</source>
        <translation>Apunte la cámara al texto otra vez.</translation>
    </message>
    <message>
        <source>Turn the camera off and on again.</source>
        <translation>Apague la cámara y vuelva a encenderla.</translation>
    </message>
    <message>
        <source>Translate</source>
        <translation>Traducir</translation>
    </message>
    <message>
        <source>The translation was stopped.</source>
        <translation>La traducción se ha detenido.</translation>
    </message>
    <message>
        <source>Start it again to go on.</source>
        <translation>Iníciela de nuevo para continuar.</translation>
    </message>
    <message>
        <source>A translation is not saved as {kind}.</source>
        <translation>Una traducción no se guarda como {kind}.</translation>
    </message>
    <message>
        <source>Use {names}.</source>
        <translation>Use {names}.</translation>
    </message>
    <message>
        <source>Check the folder and the disk.</source>
        <translation>Compruebe la carpeta y el disco.</translation>
    </message>
    <message>
        <source>There is no picture to draw on.</source>
        <translation>No hay ninguna imagen sobre la que dibujar.</translation>
    </message>
    <message>
        <source>Save the texts as .txt.</source>
        <translation>Guarde los textos como .txt.</translation>
    </message>
    <message>
        <source>{name} cannot be written.</source>
        <translation>{name} no se puede escribir.</translation>
    </message>
    <message>
        <source>This text cannot be drawn: its letters join, and the library that joins them is missing.</source>
        <translation>Este texto no se puede dibujar: sus letras se unen, y falta la biblioteca que las une.</translation>
    </message>
    <message>
        <source>Install FriBidi (libfribidi) or use the translation beside the picture.</source>
        <translation>Instale FriBidi (libfribidi) o use la traducción al lado de la imagen.</translation>
    </message>
    <message>
        <source>It is not said what to watch for.</source>
        <translation>No se ha dicho qué vigilar.</translation>
    </message>
    <message>
        <source>Write it like &quot;a bus&quot; or &quot;tell me when the door is open&quot;.</source>
        <translation>Escríbalo, por ejemplo, así: «a bus» o «tell me when the door is open».</translation>
    </message>
    <message>
        <source>true or false</source>
        <translation>verdadero o falso</translation>
    </message>
    <message>
        <source>a whole number</source>
        <translation>un número entero</translation>
    </message>
    <message>
        <source>a number</source>
        <translation>un número</translation>
    </message>
    <message>
        <source>text</source>
        <translation>texto</translation>
    </message>
    <message>
        <source>The setting {key} must be {rule}.</source>
        <translation>El ajuste {key} debe ser {rule}.</translation>
    </message>
    <message>
        <source>Its default is {value}.</source>
        <translation>Su valor predeterminado es {value}.</translation>
    </message>
    <message>
        <source>There is no setting {key}.</source>
        <translation>No hay ningún ajuste {key}.</translation>
    </message>
    <message>
        <source>The settings are {names}.</source>
        <translation>Los ajustes son {names}.</translation>
    </message>
    <message>
        <source>one of {names}</source>
        <translation>uno de estos: {names}</translation>
    </message>
    <message>
        <source>between {low} and {high}</source>
        <translation>un valor entre {low} y {high}</translation>
    </message>
    <message>
        <source>It was kept as {name}, and the defaults hold.</source>
        <translation>Se conservó como {name}, y rigen los valores predeterminados.</translation>
    </message>
    <message>
        <source>The settings file was damaged ({reason}). {kept}</source>
        <translation>El archivo de ajustes estaba dañado ({reason}). {kept}</translation>
    </message>
    <message>
        <source>It could not be kept, and the defaults hold.</source>
        <translation>No se pudo conservar, y rigen los valores predeterminados.</translation>
    </message>
    <message>
        <source>The settings could not be saved; the change holds until the program ends.</source>
        <translation>Los ajustes no se pudieron guardar; el cambio vale hasta que el programa termine.</translation>
    </message>
    <message>
        <source>Check the disk and the permissions of the settings folder.</source>
        <translation>Compruebe el disco y los permisos de la carpeta de ajustes.</translation>
    </message>
    <message>
        <source>The settings could not be read ({reason}); the defaults hold.</source>
        <translation>Los ajustes no se pudieron leer ({reason}); rigen los valores predeterminados.</translation>
    </message>
    <message>
        <source>{what} Until then its default holds.</source>
        <translation>{what} Hasta entonces rige su valor predeterminado.</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>Conversación nueva</translation>
    </message>
    <message>
        <source>Open picture…</source>
        <translation>Abrir imagen…</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>Pegar</translation>
    </message>
    <message>
        <source>Part of the screen…</source>
        <translation>Parte de la pantalla…</translation>
    </message>
    <message>
        <source>Camera</source>
        <translation>Cámara</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>Buscar en esta conversación</translation>
    </message>
    <message>
        <source>Open model file…</source>
        <translation>Abrir archivo de modelo…</translation>
    </message>
    <message>
        <source>Settings…</source>
        <translation>Ajustes…</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>Teclas</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Detener</translation>
    </message>
    <message>
        <source>Go to the question</source>
        <translation>Ir a la pregunta</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Salir</translation>
    </message>
    <message>
        <source>Take the picture (camera on the stage)</source>
        <translation>Tomar la imagen (cámara en el escenario)</translation>
    </message>
    <message>
        <source>Zoom in, zoom out, fit (stage)</source>
        <translation>Acercar, alejar, ajustar (escenario)</translation>
    </message>
    <message>
        <source>Move the picture (stage)</source>
        <translation>Mover la imagen (escenario)</translation>
    </message>
    <message>
        <source>Choose and move a part of the picture (stage)</source>
        <translation>Elegir y mover una parte de la imagen (escenario)</translation>
    </message>
    <message>
        <source>Size that part (stage)</source>
        <translation>Cambiar el tamaño de esa parte (escenario)</translation>
    </message>
    <message>
        <source>Copy the answer</source>
        <translation>Copiar la respuesta</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>Responder otra vez</translation>
    </message>
    <message>
        <source>Details of the error</source>
        <translation>Detalles del error</translation>
    </message>
    <message>
        <source>Something in Spyglass went wrong.</source>
        <translation>Algo ha salido mal en Spyglass.</translation>
    </message>
    <message>
        <source>Install Spyglass again.</source>
        <translation>Instale Spyglass de nuevo.</translation>
    </message>
    <message>
        <source>Try again; if it happens again, report it with the details.</source>
        <translation>Inténtelo de nuevo; si vuelve a ocurrir, informe de ello con los detalles.</translation>
    </message>
    <message>
        <source>Starting the camera</source>
        <translation>Iniciando la cámara</translation>
    </message>
    <message>
        <source>Spyglass may not use the camera.</source>
        <translation>Spyglass no puede usar la cámara.</translation>
    </message>
    <message>
        <source>Allow it in the privacy settings of the system.</source>
        <translation>Permítalo en los ajustes de privacidad del sistema.</translation>
    </message>
    <message>
        <source>Stage</source>
        <translation>Escenario</translation>
    </message>
    <message>
        <source>You asked: {question}</source>
        <translation>Usted preguntó: {question}</translation>
    </message>
    <message>
        <source>You asked, with a picture: {question}</source>
        <translation>Usted preguntó, con una imagen: {question}</translation>
    </message>
    <message>
        <source>Answer: {answer}</source>
        <translation>Respuesta: {answer}</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>Detenida</translation>
    </message>
    <message>
        <source>Cut off: the longest answer allowed</source>
        <translation>Cortada: la respuesta más larga permitida</translation>
    </message>
    <message>
        <source>Go to the newest words</source>
        <translation>Ir a las últimas palabras</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>Conversación</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Copiar</translation>
    </message>
    <message>
        <source>Edit question</source>
        <translation>Editar la pregunta</translation>
    </message>
    <message>
        <source>Do not send along: {name}</source>
        <translation>No enviar con la pregunta: {name}</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>Pregunta</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>Enviar</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>Imagen</translation>
    </message>
    <message>
        <source>Part of the picture</source>
        <translation>Parte de la imagen</translation>
    </message>
    <message>
        <source>Bring a picture, then ask about it in your own words.</source>
        <translation>Traiga una imagen y pregunte sobre ella con sus propias palabras.</translation>
    </message>
    <message>
        <source>Drag a rectangle on the picture to ask about a part of it.</source>
        <translation>Dibuje un rectángulo en la imagen para preguntar por una parte.</translation>
    </message>
    <message>
        <source>What would you like to know?</source>
        <translation>¿Qué quiere saber?</translation>
    </message>
    <message>
        <source>What is in this picture?</source>
        <translation>¿Qué hay en esta imagen?</translation>
    </message>
    <message>
        <source>What does the text say?</source>
        <translation>¿Qué dice el texto?</translation>
    </message>
    <message>
        <source>Describe it in one sentence.</source>
        <translation>Descríbela en una frase.</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>Imagen pegada</translation>
    </message>
    <message>
        <source>guessing</source>
        <translation>adivinando</translation>
    </message>
    <message>
        <source>unsure</source>
        <translation>inseguro</translation>
    </message>
    <message>
        <source>fairly sure</source>
        <translation>bastante seguro</translation>
    </message>
    <message>
        <source>sure</source>
        <translation>seguro</translation>
    </message>
    <message>
        <source>very sure</source>
        <translation>muy seguro</translation>
    </message>
    <message>
        <source>Tokens read: {read}, of them reused: {reused}</source>
        <translation>Tokens leídos: {read}, de ellos reutilizados: {reused}</translation>
    </message>
    <message>
        <source>Pictures: {pictures}, looked at now: {now}</source>
        <translation>Imágenes: {pictures}, miradas ahora: {now}</translation>
    </message>
    <message>
        <source>Tokens written: {written} in {time}</source>
        <translation>Tokens escritos: {written} en {time}</translation>
    </message>
    <message>
        <source>Loading {loading}, looking {looking}, reading {reading}</source>
        <translation>Cargar {loading}, mirar {looking}, leer {reading}</translation>
    </message>
    <message>
        <source>Mean probability of a token: {share:.0%}</source>
        <translation>Probabilidad media de un token: {share:.0%}</translation>
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
        <translation>Escribiendo</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>Empezando</translation>
    </message>
    <message>
        <source>{time} to first word</source>
        <translation>{time} hasta la primera palabra</translation>
    </message>
    <message>
        <source>{speed} tokens/s</source>
        <translation>{speed} tokens/s</translation>
    </message>
    <message>
        <source>picture reused</source>
        <translation>imagen reutilizada</translation>
    </message>
    <message>
        <source>Loading the model</source>
        <translation>Cargando el modelo</translation>
    </message>
    <message>
        <source>Looking at the picture</source>
        <translation>Mirando la imagen</translation>
    </message>
    <message>
        <source>Looking at picture {number} of {all}</source>
        <translation>Mirando la imagen {number} de {all}</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>Leyendo</translation>
    </message>
    <message numerus="yes">
        <source>{n} tokens reused</source>
        <translation>
            <numerusform>{n} token reutilizado</numerusform>
            <numerusform>{n} tokens reutilizados</numerusform>
        </translation>
    </message>
    <message>
        <source>The place before</source>
        <translation>Resultado anterior</translation>
    </message>
    <message>
        <source>The next place</source>
        <translation>Resultado siguiente</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Cerrar</translation>
    </message>
    <message>
        <source>{place} of {places}</source>
        <translation>{place} de {places}</translation>
    </message>
    <message>
        <source>Not found</source>
        <translation>No encontrado</translation>
    </message>
    <message>
        <source>Nothing leaves this machine: pictures, questions and answers stay here.</source>
        <translation>Nada sale de este equipo: las imágenes, preguntas y respuestas se quedan aquí.</translation>
    </message>
    <message>
        <source>Resting</source>
        <translation>En reposo</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>Listo</translation>
    </message>
    <message>
        <source>Working</source>
        <translation>Trabajando</translation>
    </message>
    <message>
        <source>Restarting</source>
        <translation>Reiniciando</translation>
    </message>
    <message>
        <source>Menu</source>
        <translation>Menú</translation>
    </message>
    <message>
        <source>Offline</source>
        <translation>Sin conexión</translation>
    </message>
    <message>
        <source>Choose the model</source>
        <translation>Elegir el modelo</translation>
    </message>
    <message>
        <source>Engine: {state}</source>
        <translation>Motor: {state}</translation>
    </message>
    <message>
        <source>Model: {name}</source>
        <translation>Modelo: {name}</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>Buscando…</translation>
    </message>
    <message>
        <source>{number}%</source>
        <translation>{number}&#xa0;%</translation>
    </message>
    <message>
        <source>The texts in {language} are missing.</source>
        <translation>Faltan los textos en {language}.</translation>
    </message>
    <message>
        <source>Saved as {name}</source>
        <translation>Guardado como {name}</translation>
    </message>
    <message>
        <source>{name} could not be saved.</source>
        <translation>{name} no se pudo guardar.</translation>
    </message>
    <message>
        <source>Check the folder.</source>
        <translation>Compruebe la carpeta.</translation>
    </message>
    <message>
        <source>sent</source>
        <translation>enviadas</translation>
    </message>
    <message>
        <source>nothing new</source>
        <translation>nada nuevo</translation>
    </message>
    <message>
        <source>black</source>
        <translation>negras</translation>
    </message>
    <message>
        <source>too dark</source>
        <translation>demasiado oscuras</translation>
    </message>
    <message>
        <source>too bright</source>
        <translation>demasiado claras</translation>
    </message>
    <message>
        <source>blurred</source>
        <translation>borrosas</translation>
    </message>
    <message>
        <source>moving</source>
        <translation>en movimiento</translation>
    </message>
    <message>
        <source>engine busy</source>
        <translation>motor ocupado</translation>
    </message>
    <message>
        <source>resting</source>
        <translation>descanso</translation>
    </message>
    <message>
        <source>after a failure</source>
        <translation>tras un fallo</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>en pausa</translation>
    </message>
    <message>
        <source>Stop watching</source>
        <translation>Dejar de vigilar</translation>
    </message>
    <message>
        <source>{share:.0%} {fate}</source>
        <translation>{share:.0%} {fate}</translation>
    </message>
    <message>
        <source>Save a snapshot</source>
        <translation>Guardar una instantánea</translation>
    </message>
    <message>
        <source>Save the last ten seconds</source>
        <translation>Guardar los últimos diez segundos</translation>
    </message>
    <message>
        <source>Looking around</source>
        <translation>Mirando alrededor</translation>
    </message>
    <message>
        <source>{size:.1f} GB</source>
        <translation>{size:.1f}&#xa0;GB</translation>
    </message>
    <message>
        <source>About Spyglass</source>
        <translation>Acerca de Spyglass</translation>
    </message>
    <message>
        <source>Network camera…</source>
        <translation>Cámara de red…</translation>
    </message>
    <message>
        <source>Mirror</source>
        <translation>Espejo</translation>
    </message>
    <message>
        <source>Turn by 90°</source>
        <translation>Girar 90°</translation>
    </message>
    <message>
        <source>Network camera</source>
        <translation>Cámara de red</translation>
    </message>
    <message>
        <source>Its address, for example http://192.168.0.20:8080/video or rtsp://…</source>
        <translation>Su dirección, por ejemplo http://192.168.0.20:8080/video o rtsp://…</translation>
    </message>
    <message>
        <source>{size:.0f} MB</source>
        <translation>{size:.0f}&#xa0;MB</translation>
    </message>
    <message>
        <source>Starter (ships with Spyglass)</source>
        <translation>Modelo inicial (incluido en Spyglass)</translation>
    </message>
    <message>
        <source>No other camera</source>
        <translation>No hay otra cámara</translation>
    </message>
    <message>
        <source>The projector&apos;s name usually begins with mmproj.</source>
        <translation>El nombre del proyector suele empezar por mmproj.</translation>
    </message>
    <message>
        <source>Choose its projector…</source>
        <translation>Elegir su proyector…</translation>
    </message>
    <message>
        <source>Open model file</source>
        <translation>Abrir archivo de modelo</translation>
    </message>
    <message>
        <source>Open the projector (mmproj)</source>
        <translation>Abrir el proyector (mmproj)</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>Todos los archivos</translation>
    </message>
    <message>
        <source>GGUF models</source>
        <translation>Modelos GGUF</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Progreso</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Cancelar</translation>
    </message>
    <message>
        <source>Close this message</source>
        <translation>Cerrar este mensaje</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Detalles</translation>
    </message>
    <message>
        <source>Part of the screen</source>
        <translation>Parte de la pantalla</translation>
    </message>
    <message>
        <source>Open picture</source>
        <translation>Abrir imagen</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>Imágenes</translation>
    </message>
    <message>
        <source>Camera picture</source>
        <translation>Imagen de la cámara</translation>
    </message>
    <message>
        <source>Stop reading</source>
        <translation>Dejar de leer</translation>
    </message>
    <message>
        <source>Read aloud</source>
        <translation>Leer en voz alta</translation>
    </message>
    <message>
        <source>Connect one, or use a phone as a network camera.</source>
        <translation>Conecte una, o use un teléfono como cámara de red.</translation>
    </message>
    <message>
        <source>Point the camera at something</source>
        <translation>Apunte la cámara a algo</translation>
    </message>
    <message>
        <source>Click a name to ask about it. Or write what to wait for, and be told when it comes.</source>
        <translation>Haga clic en un nombre para preguntar por ello. O escriba qué esperar, y se le avisará cuando llegue.</translation>
    </message>
    <message>
        <source>Ask about this</source>
        <translation>Preguntar por esto</translation>
    </message>
    <message>
        <source>saving the battery</source>
        <translation>ahorro de batería</translation>
    </message>
    <message>
        <source>{width} × {height}, {rate:.0f} frames/s</source>
        <translation>{width} × {height}, {rate:.0f} imágenes/s</translation>
    </message>
    <message numerus="yes">
        <source>{n} answers in the last minute</source>
        <translation>
            <numerusform>{n} respuesta en el último minuto</numerusform>
            <numerusform>{n} respuestas en el último minuto</numerusform>
        </translation>
    </message>
    <message>
        <source>at work {share:.0%} of the time, {most:.0%} allowed</source>
        <translation>trabajando el {share:.0%} del tiempo, {most:.0%} permitido</translation>
    </message>
    <message>
        <source>Say aloud what is found</source>
        <translation>Decir en voz alta lo que se encuentra</translation>
    </message>
    <message>
        <source>Show figures on the picture</source>
        <translation>Mostrar cifras sobre la imagen</translation>
    </message>
    <message>
        <source>{seconds:.2f} s from frame to label</source>
        <translation>{seconds:.2f} s de la imagen al nombre</translation>
    </message>
    <message>
        <source>{seconds:.2f} s an answer</source>
        <translation>{seconds:.2f} s por respuesta</translation>
    </message>
    <message>
        <source>on battery, {share:.0%}</source>
        <translation>con batería, {share:.0%}</translation>
    </message>
    <message>
        <source>the processor is too hot and slows down</source>
        <translation>el procesador está demasiado caliente y va más lento</translation>
    </message>
    <message>
        <source>{things}, {seconds} s ago</source>
        <translation>{things}, hace {seconds} s</translation>
    </message>
    <message>
        <source>{degrees:.0f} °C below the processor&apos;s limit</source>
        <translation>{degrees:.0f} °C por debajo del límite del procesador</translation>
    </message>
    <message>
        <source>{size} · {licence} · perhaps {speed} tokens/s here</source>
        <translation>{size} · {licence} · aquí quizá {speed} tokens/s</translation>
    </message>
    <message>
        <source>Videos</source>
        <translation>Vídeos</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Ajustes</translation>
    </message>
    <message>
        <source>On</source>
        <translation>Activado</translation>
    </message>
    <message>
        <source>Send the question</source>
        <translation>Enviar la pregunta</translation>
    </message>
    <message>
        <source>New line in the question</source>
        <translation>Línea nueva en la pregunta</translation>
    </message>
    <message>
        <source>Nothing more is known.</source>
        <translation>No se sabe nada más.</translation>
    </message>
    <message>
        <source>Version {version}</source>
        <translation>Versión {version}</translation>
    </message>
    <message>
        <source>Ask about pictures with a model that runs on this machine. Nothing is sent anywhere.</source>
        <translation>Pregunte sobre imágenes con un modelo que funciona en este equipo. No se envía nada a ninguna parte.</translation>
    </message>
    <message>
        <source>Apache License 2.0. Icons: Lucide, ISC License.</source>
        <translation>Licencia Apache 2.0. Iconos: Lucide, licencia ISC.</translation>
    </message>
    <message>
        <source>{thing} at {time}</source>
        <translation>{thing} a las {time}</translation>
    </message>
    <message>
        <source>Yes, at {time} ({share:.0%} sure).</source>
        <translation>Sí, a las {time} (seguro al {share:.0%}).</translation>
    </message>
    <message>
        <source>Check that the sound works, and that {program} does.</source>
        <translation>Compruebe que el sonido funciona, y también {program}.</translation>
    </message>
    <message>
        <source>This could not be said aloud.</source>
        <translation>Esto no se pudo decir en voz alta.</translation>
    </message>
    <message>
        <source>Picture {name}, {width} x {height} pixels</source>
        <translation>Imagen {name}, {width} × {height} píxeles</translation>
    </message>
    <message>
        <source>Drop a picture, paste one, or start the camera</source>
        <translation>Suelte una imagen, pegue una o inicie la cámara</translation>
    </message>
    <message>
        <source>Or try</source>
        <translation>O pruebe</translation>
    </message>
    <message>
        <source>Sample picture: {name}</source>
        <translation>Imagen de ejemplo: {name}</translation>
    </message>
    <message>
        <source>Fit the picture</source>
        <translation>Ajustar la imagen</translation>
    </message>
    <message>
        <source>Fit the picture (double click)</source>
        <translation>Ajustar la imagen (doble clic)</translation>
    </message>
    <message>
        <source>Choose the camera</source>
        <translation>Elegir la cámara</translation>
    </message>
    <message>
        <source>Take the picture</source>
        <translation>Tomar la imagen</translation>
    </message>
    <message>
        <source>Take the picture (Space)</source>
        <translation>Tomar la imagen (Espacio)</translation>
    </message>
    <message>
        <source>Turn the camera off</source>
        <translation>Apagar la cámara</translation>
    </message>
    <message>
        <source>Opening the picture…</source>
        <translation>Abriendo la imagen…</translation>
    </message>
    <message>
        <source>Open…</source>
        <translation>Abrir…</translation>
    </message>
    <message>
        <source>Zoom out (-)</source>
        <translation>Alejar (-)</translation>
    </message>
    <message>
        <source>Zoom in (+)</source>
        <translation>Acercar (+)</translation>
    </message>
    <message>
        <source>Live camera</source>
        <translation>Cámara en directo</translation>
    </message>
    <message>
        <source>There is no model yet.</source>
        <translation>Todavía no hay modelo.</translation>
    </message>
    <message>
        <source>Wait until it is found, or choose one above.</source>
        <translation>Espere hasta que se encuentre, o elija uno arriba.</translation>
    </message>
    <message>
        <source>Save the translation</source>
        <translation>Guardar la traducción</translation>
    </message>
    <message>
        <source>Looking for text</source>
        <translation>Buscando texto</translation>
    </message>
    <message>
        <source>Reading the text</source>
        <translation>Leyendo el texto</translation>
    </message>
    <message>
        <source>Translating</source>
        <translation>Traduciendo</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>Texto</translation>
    </message>
    <message>
        <source>Your own words</source>
        <translation>Sus propias palabras</translation>
    </message>
    <message>
        <source>How a word is to be translated, a line for each: term = word</source>
        <translation>Cómo se ha de traducir una palabra, una por línea: término = palabra</translation>
    </message>
    <message>
        <source>ticket office = Schalter</source>
        <translation>ticket office = Schalter</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Guardar</translation>
    </message>
    <message>
        <source>It cannot be saved: {reason}</source>
        <translation>No se puede guardar: {reason}</translation>
    </message>
    <message>
        <source>Point the camera at a sign, a menu or a letter.</source>
        <translation>Apunte la cámara a un letrero, una carta o un menú.</translation>
    </message>
    <message>
        <source>Reading the text…</source>
        <translation>Leyendo el texto…</translation>
    </message>
    <message>
        <source>There is no text in view.</source>
        <translation>No hay ningún texto a la vista.</translation>
    </message>
    <message>
        <source>Explain</source>
        <translation>Explicar</translation>
    </message>
    <message>
        <source>Explain this text, or the words marked in it</source>
        <translation>Explicar este texto, o las palabras marcadas en él</translation>
    </message>
    <message>
        <source>Detect language</source>
        <translation>Detectar idioma</translation>
    </message>
    <message>
        <source>Translate from</source>
        <translation>Traducir del</translation>
    </message>
    <message>
        <source>Translate into</source>
        <translation>Traducir al</translation>
    </message>
    <message>
        <source>Show the original</source>
        <translation>Mostrar el original</translation>
    </message>
    <message>
        <source>Or hold O on the picture, or point at a line</source>
        <translation>O mantenga pulsada la O sobre la imagen, o señale una línea</translation>
    </message>
    <message>
        <source>Copy the translation</source>
        <translation>Copiar la traducción</translation>
    </message>
    <message>
        <source>Save as picture, PDF or text</source>
        <translation>Guardar como imagen, PDF o texto</translation>
    </message>
    <message>
        <source>Translate again</source>
        <translation>Traducir otra vez</translation>
    </message>
    <message>
        <source>There is no text in this picture that could be read.</source>
        <translation>En esta imagen no hay ningún texto que se haya podido leer.</translation>
    </message>
    <message>
        <source>This is in {language} already.</source>
        <translation>Esto ya está en este idioma: {language}.</translation>
    </message>
    <message>
        <source>Translate the answer</source>
        <translation>Traducir la respuesta</translation>
    </message>
    <message>
        <source>Not looked yet</source>
        <translation>Aún no se ha mirado</translation>
    </message>
    <message>
        <source>Waiting for a clear picture</source>
        <translation>A la espera de una imagen clara</translation>
    </message>
    <message>
        <source>{seconds} s ago: {state} ({share:.0%} sure)</source>
        <translation>Hace {seconds} s: {state} (seguridad: {share:.0%})</translation>
    </message>
    <message>
        <source>Waiting for: {things}</source>
        <translation>En espera de: {things}</translation>
    </message>
    <message>
        <source>it is there</source>
        <translation>está ahí</translation>
    </message>
    <message>
        <source>not there</source>
        <translation>no está</translation>
    </message>
    <message>
        <source>Waiting for the camera</source>
        <translation>A la espera de la cámara</translation>
    </message>
    <message>
        <source>Another model file…</source>
        <translation>Otro archivo de modelo…</translation>
    </message>
    <message>
        <source>The model that reads the picture</source>
        <translation>El modelo que lee la imagen</translation>
    </message>
    <message>
        <source>Take the translation away</source>
        <translation>Quitar la traducción</translation>
    </message>
    <message>
        <source>Open a model that translates</source>
        <translation>Abrir un modelo que traduce</translation>
    </message>
    <message>
        <source>Translating back</source>
        <translation>Retraduciendo</translation>
    </message>
    <message>
        <source>Translated back: {text}</source>
        <translation>Retraducido: {text}</translation>
    </message>
    <message>
        <source>Check by translating back</source>
        <translation>Comprobar retraduciendo</translation>
    </message>
    <message>
        <source>Which model translates the text</source>
        <translation>Qué modelo traduce el texto</translation>
    </message>
    <message>
        <source>Look twice: the number {what} differs or is missing.</source>
        <translation>Compruébelo: el número {what} es distinto o falta.</translation>
    </message>
    <message>
        <source>Look twice: the currency {what} is missing.</source>
        <translation>Compruébelo: falta la moneda {what}.</translation>
    </message>
    <message>
        <source>Look twice: {what} is missing.</source>
        <translation>Compruébelo: falta {what}.</translation>
    </message>
    <message>
        <source>Look twice: the name {what} is missing.</source>
        <translation>Compruébelo: falta el nombre {what}.</translation>
    </message>
    <message>
        <source>Your own word for “{what}” was not used.</source>
        <translation>No se usó su propia palabra para «{what}».</translation>
    </message>
    <message>
        <source>“{what}” was not translated.</source>
        <translation>«{what}» no se tradujo.</translation>
    </message>
    <message>
        <source>Look twice: the meaning may have changed.</source>
        <translation>Compruébelo: puede que el sentido haya cambiado.</translation>
    </message>
    <message>
        <source>The text in the picture appears here, with its translation.</source>
        <translation>El texto de la imagen aparece aquí, con su traducción.</translation>
    </message>
    <message>
        <source>Bring a picture with text in it, or write a text below.</source>
        <translation>Traiga una imagen con texto, o escriba un texto abajo.</translation>
    </message>
    <message>
        <source>Write a text to translate…</source>
        <translation>Escriba un texto para traducir…</translation>
    </message>
    <message>
        <source>Tell me when… (for example: a bus comes)</source>
        <translation>Diga qué vigilar… (por ejemplo: a bus comes)</translation>
    </message>
    <message>
        <source>Ask about what the camera sees…</source>
        <translation>Pregunte por lo que ve la cámara…</translation>
    </message>
    <message>
        <source>Ask a follow-up…</source>
        <translation>Siga preguntando…</translation>
    </message>
    <message>
        <source>Ask about the picture…</source>
        <translation>Pregunte sobre la imagen…</translation>
    </message>
    <message>
        <source>Ask anything…</source>
        <translation>Pregunte lo que quiera…</translation>
    </message>
    <message>
        <source>Runs on this machine. Answers can be wrong.</source>
        <translation>Funciona en este equipo. Puede equivocarse.</translation>
    </message>
    <message>
        <source>The video has ended.</source>
        <translation>El vídeo ha terminado.</translation>
    </message>
    <message>
        <source>Say it in at most {most} characters.</source>
        <translation>Dígalo en {most} caracteres como máximo.</translation>
    </message>
    <message>
        <source>This is too long to be watched for.</source>
        <translation>Es demasiado largo para vigilarlo.</translation>
    </message>
    <message>
        <source>Earlier conversations…</source>
        <translation>Conversaciones anteriores…</translation>
    </message>
    <message>
        <source>Show {name}</source>
        <translation>Mostrar {name}</translation>
    </message>
    <message>
        <source>Larger models…</source>
        <translation>Modelos mayores…</translation>
    </message>
    <message>
        <source>Earlier conversations</source>
        <translation>Conversaciones anteriores</translation>
    </message>
    <message>
        <source>No earlier conversation is kept.</source>
        <translation>No se conserva ninguna conversación anterior.</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Eliminar</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Abrir</translation>
    </message>
    <message>
        <source>{when}, shown now</source>
        <translation>{when}, a la vista ahora</translation>
    </message>
    <message>
        <source>Needs about {needs} of memory, which is free.</source>
        <translation>Necesita unos {needs} de memoria, que están libres.</translation>
    </message>
    <message>
        <source>Needs about {needs} of memory; only {free} are free.</source>
        <translation>Necesita unos {needs} de memoria; solo hay {free} libres.</translation>
    </message>
    <message>
        <source>Its page</source>
        <translation>Su página</translation>
    </message>
    <message>
        <source>Larger models</source>
        <translation>Modelos mayores</translation>
    </message>
    <message>
        <source>Choose a file…</source>
        <translation>Elegir un archivo…</translation>
    </message>
    <message>
        <source>The page of {name} in the browser</source>
        <translation>La página de {name} en el navegador</translation>
    </message>
    <message>
        <source>To be converted after it is fetched: {command}</source>
        <translation>Por convertir una vez descargado: {command}</translation>
    </message>
    <message>
        <source>Models folder</source>
        <translation>Carpeta de modelos</translation>
    </message>
    <message>
        <source>The folder {name} cannot be made.</source>
        <translation>No se puede crear la carpeta {name}.</translation>
    </message>
    <message>
        <source>Check the disk and its permissions.</source>
        <translation>Compruebe el disco y sus permisos.</translation>
    </message>
    <message>
        <source>There is not enough memory left for the model that translates.</source>
        <translation>No queda memoria suficiente para el modelo que traduce.</translation>
    </message>
    <message>
        <source>Choose a smaller one to translate with, or let the model that reads pictures translate too.</source>
        <translation>Elija uno más pequeño para traducir o deje que también traduzca el modelo que lee las imágenes.</translation>
    </message>
    <message>
        <source>Choose another model to translate with, or let the model that reads pictures translate too.</source>
        <translation>Elija otro modelo para traducir o deje que también traduzca el modelo que lee las imágenes.</translation>
    </message>
    <message>
        <source>The starter is small and often wrong. It was taught drawings, not photographs, and only English.</source>
        <translation>El modelo inicial es pequeño y se equivoca a menudo. Ha aprendido dibujos, no fotos, y solo inglés.</translation>
    </message>
    <message>
        <source>The conversation as it was is among the earlier ones.</source>
        <translation>La conversación tal como era está entre las anteriores.</translation>
    </message>
    <message>
        <source>This is a new conversation. The one before is among the earlier ones.</source>
        <translation>Esta es una conversación nueva. La de antes está entre las anteriores.</translation>
    </message>
    <message>
        <source>Use the starter for now</source>
        <translation>Usar de momento el modelo inicial</translation>
    </message>
    <message>
        <source>Picture {name} is on the stage</source>
        <translation>La imagen {name} está en el escenario</translation>
    </message>
    <message>
        <source>Which bar is the highest?</source>
        <translation>¿Qué barra es la más alta?</translation>
    </message>
    <message>
        <source>What colour are the balloons?</source>
        <translation>¿De qué color son los globos?</translation>
    </message>
    <message>
        <source>Save conversation…</source>
        <translation>Guardar la conversación…</translation>
    </message>
    <message>
        <source>Go to a name on the picture, to the next, ask about it (stage)</source>
        <translation>Ir a un nombre de la imagen, al siguiente, preguntar por él (escenario)</translation>
    </message>
    <message>
        <source>You asked, with several pictures: {question}</source>
        <translation>Usted preguntó, con varias imágenes: {question}</translation>
    </message>
    <message>
        <source>Saved by Spyglass, {date}. Answers can be wrong.</source>
        <translation>Guardado por Spyglass, {date}. Las respuestas pueden ser erróneas.</translation>
    </message>
    <message>
        <source>{bad} of {number} files could not be opened.</source>
        <translation>No se pudieron abrir {bad} de {number} archivos.</translation>
    </message>
    <message>
        <source>The details say why.</source>
        <translation>Los detalles dicen por qué.</translation>
    </message>
    <message>
        <source>Only the first {most} of {number} pictures were opened: no more go with one question.</source>
        <translation>Solo se han abierto las primeras {most} de {number} imágenes: una pregunta no admite más.</translation>
    </message>
    <message>
        <source>These words were said in no earlier conversation.</source>
        <translation>Estas palabras no aparecen en ninguna conversación anterior.</translation>
    </message>
    <message>
        <source>Play again</source>
        <translation>Reproducir de nuevo</translation>
    </message>
    <message>
        <source>Find in questions and answers</source>
        <translation>Buscar en preguntas y respuestas</translation>
    </message>
    <message>
        <source>Deleted: {title}</source>
        <translation>Eliminada: {title}</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Deshacer</translation>
    </message>
    <message>
        <source>{mode} goes on waiting for it when you are back: {things}</source>
        <translation>{mode} lo seguirá esperando cuando vuelva: {things}</translation>
    </message>
    <message>
        <source>Try again later; what has been fetched is kept.</source>
        <translation>Inténtelo más tarde; lo descargado se conserva.</translation>
    </message>
    <message>
        <source>The connection broke off again and again.</source>
        <translation>La conexión se cortó una y otra vez.</translation>
    </message>
    <message>
        <source>The page of {name} does not list the files that were expected.</source>
        <translation>La página de {name} no muestra los archivos esperados.</translation>
    </message>
    <message>
        <source>Get it from its page.</source>
        <translation>Descárguelo desde su página.</translation>
    </message>
    <message>
        <source>{name} could not be written.</source>
        <translation>No se pudo escribir {name}.</translation>
    </message>
    <message>
        <source>Check the disk and its permissions; what has been fetched is kept.</source>
        <translation>Compruebe el disco y sus permisos; lo descargado se conserva.</translation>
    </message>
    <message>
        <source>{name} needs {wanted} more on the disk, and {free} are free.</source>
        <translation>{name} necesita {wanted} más en el disco y hay {free} libres.</translation>
    </message>
    <message>
        <source>Make room, or choose a smaller model.</source>
        <translation>Libere espacio o elija un modelo más pequeño.</translation>
    </message>
    <message>
        <source>This model is only given to those who sign in.</source>
        <translation>Este modelo solo se entrega a quien inicia sesión.</translation>
    </message>
    <message>
        <source>This model is no longer where it was.</source>
        <translation>Este modelo ya no está donde estaba.</translation>
    </message>
    <message>
        <source>Get it from its page, or choose another.</source>
        <translation>Descárguelo desde su página o elija otro.</translation>
    </message>
    <message>
        <source>Check the clock, and that the system&apos;s certificates are installed (ca-certificates).</source>
        <translation>Compruebe el reloj y que los certificados del sistema estén instalados (ca-certificates).</translation>
    </message>
    <message>
        <source>The site could not prove who it is.</source>
        <translation>El sitio no pudo demostrar su identidad.</translation>
    </message>
    <message>
        <source>Check the network and try again; what has been fetched is kept.</source>
        <translation>Compruebe la red e inténtelo de nuevo; lo descargado se conserva.</translation>
    </message>
    <message>
        <source>There is no connection to the site that has the model.</source>
        <translation>No hay conexión con el sitio que tiene el modelo.</translation>
    </message>
    <message>
        <source>What came of {name} is damaged.</source>
        <translation>Lo que llegó de {name} está dañado.</translation>
    </message>
    <message>
        <source>Fetch it again.</source>
        <translation>Descárguelo de nuevo.</translation>
    </message>
    <message>
        <source>A model is being fetched. Nothing else goes over the network.</source>
        <translation>Se está descargando un modelo. Nada más pasa por la red.</translation>
    </message>
    <message>
        <source>Fetching {share:.0%}</source>
        <translation>Descarga {share:.0%}</translation>
    </message>
    <message>
        <source>perhaps there</source>
        <translation>quizá está ahí</translation>
    </message>
    <message>
        <source>{name} is here.</source>
        <translation>{name} ya está aquí.</translation>
    </message>
    <message>
        <source>Use it</source>
        <translation>Usarlo</translation>
    </message>
    <message>
        <source>“Get” fetches a model from its page on Hugging Face; its licence holds for you. Nothing else is fetched or sent. Or put a model of your own and its projector (mmproj) into one folder, and choose the model&apos;s file here.</source>
        <translation>«Descargar» trae un modelo desde su página en Hugging Face; su licencia se aplica a usted. Nada más se descarga ni se envía. O ponga un modelo propio y su proyector (mmproj) en una misma carpeta y elija aquí el archivo del modelo.</translation>
    </message>
    <message>
        <source>{came} of {whole}, about {minutes} min left</source>
        <translation>{came} de {whole}, faltan unos {minutes} min</translation>
    </message>
    <message>
        <source>Asking for it…</source>
        <translation>Solicitando…</translation>
    </message>
    <message>
        <source>{came} of {whole}</source>
        <translation>{came} de {whole}</translation>
    </message>
    <message>
        <source>{came} of {whole}, less than a minute left</source>
        <translation>{came} de {whole}, falta menos de un minuto</translation>
    </message>
    <message>
        <source>Get</source>
        <translation>Descargar</translation>
    </message>
    <message>
        <source>Get {name}</source>
        <translation>Descargar {name}</translation>
    </message>
    <message>
        <source>Stop fetching {name}</source>
        <translation>Detener la descarga de {name}</translation>
    </message>
    <message>
        <source>Use {name}</source>
        <translation>Usar {name}</translation>
    </message>
    <message>
        <source>Show it again</source>
        <translation>Volver a mostrarla</translation>
    </message>
    <message>
        <source>Copy the picture itself and paste it here, or save it to a file and open that.</source>
        <translation>Copie la propia imagen y péguela aquí, o guárdela en un archivo y ábralo.</translation>
    </message>
    <message>
        <source>There is nothing to paste.</source>
        <translation>No hay nada que pegar.</translation>
    </message>
    <message>
        <source>Copy a picture, a file or a text first.</source>
        <translation>Copie primero una imagen, un archivo o un texto.</translation>
    </message>
    <message>
        <source>What is this?</source>
        <translation>¿Qué es esto?</translation>
    </message>
    <message>
        <source>Save it in another folder or by another name.</source>
        <translation>Guárdela en otra carpeta o con otro nombre.</translation>
    </message>
    <message>
        <source>{name} could not be saved: nothing may be written to that folder.</source>
        <translation>No se pudo guardar {name}: no se permite escribir en esa carpeta.</translation>
    </message>
    <message>
        <source>Save it in another folder.</source>
        <translation>Guárdela en otra carpeta.</translation>
    </message>
    <message>
        <source>{name} could not be saved: the disk is full.</source>
        <translation>No se pudo guardar {name}: el disco está lleno.</translation>
    </message>
    <message>
        <source>Make room on the disk, or save it on another one.</source>
        <translation>Libere espacio en el disco o guárdela en otro.</translation>
    </message>
    <message>
        <source>Save conversation</source>
        <translation>Guardar la conversación</translation>
    </message>
    <message>
        <source>Web page</source>
        <translation>Página web</translation>
    </message>
    <message>
        <source>The defaults hold again. Your models and languages, and what is kept on disk, stay as they are.</source>
        <translation>Vuelven a regir los valores predeterminados. Sus modelos, sus idiomas y lo que se guarda en el disco no cambian.</translation>
    </message>
    <message>
        <source>The settings are as they were.</source>
        <translation>Los ajustes están como antes.</translation>
    </message>
    <message>
        <source>Reset to defaults</source>
        <translation>Restablecer valores</translation>
    </message>
    <message>
        <source>Discard changes</source>
        <translation>Descartar los cambios</translation>
    </message>
    <message>
        <source>Copy the text that was read</source>
        <translation>Copiar el texto leído</translation>
    </message>
    <message>
        <source>Swap the languages</source>
        <translation>Intercambiar los idiomas</translation>
    </message>
    <message>
        <source>Original</source>
        <translation>Original</translation>
    </message>
    <message>
        <source>The text was not read to its end.</source>
        <translation>El texto no se leyó hasta el final.</translation>
    </message>
    <message>
        <source>The text was not translated to its end.</source>
        <translation>El texto no se tradujo hasta el final.</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>Copiado</translation>
    </message>
    <message>
        <source>{what} Of {number} files only the first {most} were tried: no more go with one question.</source>
        <translation>{what} Solo se han probado los primeros {most} de {number} archivos: una pregunta no admite más.</translation>
    </message>
    <message>
        <source>No more than {most} pictures go with one question.</source>
        <translation>Una pregunta no admite más de {most} imágenes.</translation>
    </message>
    <message>
        <source>Remove one of them, or send the question first.</source>
        <translation>Quite una de ellas o envíe primero la pregunta.</translation>
    </message>
    <message>
        <source>The starter was taught English only.</source>
        <translation>El modelo inicial solo ha aprendido inglés.</translation>
    </message>
    <message>
        <source>Ask in English, or choose a larger model.</source>
        <translation>Pregunte en inglés o elija un modelo más grande.</translation>
    </message>
    <message>
        <source>This system has no program that speaks.</source>
        <translation>Este sistema no tiene ningún programa que hable.</translation>
    </message>
    <message>
        <source>Install speech-dispatcher or espeak-ng.</source>
        <translation>Instale speech-dispatcher o espeak-ng.</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modelo</translation>
    </message>
    <message>
        <source>A model&apos;s name, or the path of its GGUF file.</source>
        <translation>El nombre de un modelo, o la ruta de su archivo GGUF.</translation>
    </message>
    <message>
        <source>Projector</source>
        <translation>Proyector</translation>
    </message>
    <message>
        <source>The path of the projector (mmproj) file; empty: the one that lies beside the model.</source>
        <translation>La ruta del archivo del proyector (mmproj); vacío: el que está junto al modelo.</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>Motor</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>Contexto</translation>
    </message>
    <message>
        <source>Tokens of conversation and pictures the model keeps in view; 0: as many as fit, up to the model&apos;s default.</source>
        <translation>Tokens de conversación e imágenes que el modelo tiene a la vista; 0: tantos como quepan, hasta el valor del modelo.</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>tokens</translation>
    </message>
    <message>
        <source>KV cache</source>
        <translation>Caché KV</translation>
    </message>
    <message>
        <source>How keys and values are stored; 8 bits take half the memory and lose a little precision.</source>
        <translation>Cómo se guardan claves y valores; 8 bits ocupan la mitad de memoria y pierden un poco de precisión.</translation>
    </message>
    <message>
        <source>16 bits</source>
        <translation>16 bits</translation>
    </message>
    <message>
        <source>8 bits</source>
        <translation>8 bits</translation>
    </message>
    <message>
        <source>Flash attention</source>
        <translation>Flash Attention</translation>
    </message>
    <message>
        <source>Attention without the whole score matrix in memory.</source>
        <translation>Atención sin toda la matriz de puntuaciones en memoria.</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automático</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Desactivado</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>Hilos</translation>
    </message>
    <message>
        <source>Processor threads; 0: chosen from the machine.</source>
        <translation>Hilos del procesador; 0: según el equipo.</translation>
    </message>
    <message>
        <source>Layers on the GPU</source>
        <translation>Capas en la GPU</translation>
    </message>
    <message>
        <source>-1: as many as fit if there is a GPU; 0: none.</source>
        <translation>-1: tantas como quepan si hay GPU; 0: ninguna.</translation>
    </message>
    <message>
        <source>Vision tower</source>
        <translation>Torre de visión</translation>
    </message>
    <message>
        <source>Llama 3.2 Vision only: fast leaves a picture&apos;s missing tiles out, which is quicker and slightly different.</source>
        <translation>Solo Llama 3.2 Vision: «Rápida» omite las teselas que faltan en una imagen, lo que es más rápido y ligeramente distinto.</translation>
    </message>
    <message>
        <source>Exact</source>
        <translation>Exacta</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>Rápida</translation>
    </message>
    <message>
        <source>Memory limit</source>
        <translation>Límite de memoria</translation>
    </message>
    <message>
        <source>Memory the engine process may take before it is ended; 0: no limit of its own.</source>
        <translation>Memoria que el motor puede ocupar antes de que se detenga; 0: sin límite propio.</translation>
    </message>
    <message>
        <source>MiB</source>
        <translation>MiB</translation>
    </message>
    <message>
        <source>Picture cache in memory</source>
        <translation>Caché de imágenes en memoria</translation>
    </message>
    <message>
        <source>Pictures looked at are remembered, so that a second question need not look again.</source>
        <translation>Las imágenes miradas se recuerdan, para que una segunda pregunta no tenga que mirarlas otra vez.</translation>
    </message>
    <message>
        <source>Picture cache on disk</source>
        <translation>Caché de imágenes en disco</translation>
    </message>
    <message>
        <source>The same between two starts of the program; 0: pictures leave no trace on disk.</source>
        <translation>Lo mismo entre dos inicios del programa; 0: las imágenes no dejan rastro en el disco.</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>Respuestas</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>Temperatura</translation>
    </message>
    <message>
        <source>0: always the likeliest word, so the same question gets the same answer; higher: more varied.</source>
        <translation>0: siempre la palabra más probable, así que la misma pregunta recibe la misma respuesta; más alta: más variado.</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Only the likeliest words that together have this probability; 1: all. Needs a temperature above 0.</source>
        <translation>Solo las palabras más probables que juntas tienen esta probabilidad; 1: todas. Necesita una temperatura mayor que 0.</translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation>Min-p</translation>
    </message>
    <message>
        <source>Only words at least this likely relative to the likeliest; 0: all. Needs a temperature above 0.</source>
        <translation>Solo palabras al menos así de probables respecto a la más probable; 0: todas. Necesita una temperatura mayor que 0.</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>Semilla</translation>
    </message>
    <message>
        <source>The same seed gives the same answer again; 0: another one each time. Needs a temperature above 0.</source>
        <translation>La misma semilla da otra vez la misma respuesta; 0: una distinta cada vez. Necesita una temperatura mayor que 0.</translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation>Respuesta más larga</translation>
    </message>
    <message>
        <source>An answer ends here at the latest.</source>
        <translation>Una respuesta termina aquí como muy tarde.</translation>
    </message>
    <message>
        <source>Conversations on disk</source>
        <translation>Conversaciones en disco</translation>
    </message>
    <message>
        <source>Conversations and their pictures are kept on this machine; the oldest go when this is full. 0: none is kept.</source>
        <translation>Las conversaciones y sus imágenes se guardan en este equipo; cuando no queda sitio se van las más antiguas. 0: no se guarda ninguna.</translation>
    </message>
    <message>
        <source>The code of a language, such as fr. Translate keeps the one chosen last here. Empty: your own.</source>
        <translation>El código de un idioma, como fr. Traducir guarda aquí el último elegido. Vacío: el propio.</translation>
    </message>
    <message>
        <source>Translator</source>
        <translation>Traductor</translation>
    </message>
    <message>
        <source>Another model for the text, by name or path; it need not see. Empty: the one that reads the picture.</source>
        <translation>Otro modelo para el texto, por nombre o ruta; no necesita ver. Vacío: el que lee la imagen.</translation>
    </message>
    <message>
        <source>Every translation is translated back, to show where the meaning may have changed. Takes twice as long.</source>
        <translation>Cada traducción se retraduce para mostrar dónde puede haber cambiado el sentido. Tarda el doble.</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>Ventana</translation>
    </message>
    <message>
        <source>Send with</source>
        <translation>Enviar con</translation>
    </message>
    <message>
        <source>The other one begins a new line.</source>
        <translation>La otra tecla empieza una línea nueva.</translation>
    </message>
    <message>
        <source>Enter</source>
        <translation>Intro</translation>
    </message>
    <message>
        <source>Ctrl+Enter</source>
        <translation>Ctrl+Intro</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>Tema</translation>
    </message>
    <message>
        <source>Light, dark, or as the system says.</source>
        <translation>Claro, oscuro o como diga el sistema.</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>Como el sistema</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Claro</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Oscuro</translation>
    </message>
    <message>
        <source>Resolution</source>
        <translation>Resolución</translation>
    </message>
    <message>
        <source>What the camera is asked for; it takes what comes nearest.</source>
        <translation>Lo que se pide a la cámara; ella toma lo más parecido.</translation>
    </message>
    <message>
        <source>Frames a second</source>
        <translation>Imágenes por segundo</translation>
    </message>
    <message>
        <source>Fewer keep the machine cooler.</source>
        <translation>Menos mantienen el equipo más frío.</translation>
    </message>
    <message>
        <source>Speak</source>
        <translation>Hablar</translation>
    </message>
    <message>
        <source>Hints such as “hold still”, the names that are found and what was watched for are said aloud.</source>
        <translation>Los consejos como «No se mueva», los nombres encontrados y lo que se vigilaba se dicen en voz alta.</translation>
    </message>
    <message>
        <source>Show figures</source>
        <translation>Mostrar cifras</translation>
    </message>
    <message>
        <source>How fast the camera and the model are, and why frames were left out, in a corner of the live picture.</source>
        <translation>La velocidad de la cámara y del modelo, y por qué se omitieron imágenes, en una esquina de la imagen en directo.</translation>
    </message>
    <message>
        <source>Keep what was watched for</source>
        <translation>Guardar lo que se vigilaba</translation>
    </message>
    <message>
        <source>A picture of it goes into the conversation, with the time.</source>
        <translation>Una imagen de ello se añade a la conversación, con la hora.</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>Idioma</translation>
    </message>
    <message>
        <source>The language of menus and messages.</source>
        <translation>El idioma de los menús y mensajes.</translation>
    </message>
</context>
</TS>
