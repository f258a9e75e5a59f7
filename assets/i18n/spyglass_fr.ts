<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="fr" sourcelanguage="en">
<context>
    <name>Region</name>
    <message>
        <source>Draw a rectangle around the part of the screen; Escape to give up</source>
        <translation>Tracez un rectangle autour de la partie de l’écran&#xa0;; Échap pour abandonner</translation>
    </message>
</context>
<context>
    <name>Wording</name>
    <message>
        <source>The camera sends something that is not a picture.</source>
        <translation>La caméra envoie quelque chose qui n’est pas une image.</translation>
    </message>
    <message>
        <source>Use another camera.</source>
        <translation>Utilisez une autre caméra.</translation>
    </message>
    <message>
        <source>Opening the camera</source>
        <translation>Ouverture de la caméra</translation>
    </message>
    <message>
        <source>The camera has sent no picture for {seconds} seconds.</source>
        <translation>La caméra n’a pas envoyé d’image depuis {seconds} secondes.</translation>
    </message>
    <message>
        <source>Check its cable or its network.</source>
        <translation>Vérifiez son câble ou son réseau.</translation>
    </message>
    <message>
        <source>The camera cannot be read.</source>
        <translation>La caméra ne peut pas être lue.</translation>
    </message>
    <message>
        <source>Unplug it and plug it in again.</source>
        <translation>Débranchez-la puis rebranchez-la.</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>En direct</translation>
    </message>
    <message>
        <source>The camera is off</source>
        <translation>La caméra est éteinte</translation>
    </message>
    <message>
        <source>The video has ended</source>
        <translation>La vidéo est terminée</translation>
    </message>
    <message>
        <source>Opening the camera again</source>
        <translation>Réouverture de la caméra</translation>
    </message>
    <message>
        <source>There is nothing to save yet.</source>
        <translation>Il n’y a encore rien à enregistrer.</translation>
    </message>
    <message>
        <source>Wait until the camera shows a picture.</source>
        <translation>Attendez que la caméra affiche une image.</translation>
    </message>
    <message>
        <source>The clip could not be saved.</source>
        <translation>Le clip n’a pas pu être enregistré.</translation>
    </message>
    <message>
        <source>Check that the folder can be written.</source>
        <translation>Vérifiez que le dossier est accessible en écriture.</translation>
    </message>
    <message>
        <source>Open a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP, JPEG 2000 or PPM picture.</source>
        <translation>Ouvrez une image JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP, JPEG 2000 ou PPM.</translation>
    </message>
    <message>
        <source>{name} is not a picture that Spyglass can read.</source>
        <translation>{name} n’est pas une image que Spyglass sait lire.</translation>
    </message>
    <message>
        <source>Spyglass does not fetch pictures from addresses.</source>
        <translation>Spyglass ne va pas chercher d’images à des adresses.</translation>
    </message>
    <message>
        <source>Save the picture to a file and open that.</source>
        <translation>Enregistrez l’image dans un fichier et ouvrez celui-ci.</translation>
    </message>
    <message>
        <source>Choose another picture.</source>
        <translation>Choisissez une autre image.</translation>
    </message>
    <message>
        <source>Save the picture smaller.</source>
        <translation>Enregistrez l’image en plus petit.</translation>
    </message>
    <message>
        <source>Choose a picture inside it.</source>
        <translation>Choisissez une image qui s’y trouve.</translation>
    </message>
    <message>
        <source>Choose a picture file.</source>
        <translation>Choisissez un fichier image.</translation>
    </message>
    <message>
        <source>{name} is an SVG drawing, which has no pixels.</source>
        <translation>{name} est un dessin SVG, qui n’a pas de pixels.</translation>
    </message>
    <message>
        <source>{name} is a PDF document.</source>
        <translation>{name} est un document PDF.</translation>
    </message>
    <message>
        <source>{name} has {width} x {height} = {millions:.0f} million pixels; {most:.0f} are the most.</source>
        <translation>{name} a {width} × {height} = {millions:.0f} millions de pixels&#xa0;; {most:.0f} au plus sont possibles.</translation>
    </message>
    <message>
        <source>Check its name and folder.</source>
        <translation>Vérifiez son nom et son dossier.</translation>
    </message>
    <message>
        <source>Change its permissions or copy it.</source>
        <translation>Changez ses droits d’accès ou copiez-le.</translation>
    </message>
    <message>
        <source>Check the path and the disk.</source>
        <translation>Vérifiez le chemin et le disque.</translation>
    </message>
    <message>
        <source>{name} is empty.</source>
        <translation>{name} est vide.</translation>
    </message>
    <message>
        <source>{name} has more than {size} MiB.</source>
        <translation>{name} dépasse {size} Mio.</translation>
    </message>
    <message>
        <source>Get it again, or save it anew in another program.</source>
        <translation>Procurez-vous l’image à nouveau, ou enregistrez-la dans un autre programme.</translation>
    </message>
    <message>
        <source>{name} is a folder.</source>
        <translation>{name} est un dossier.</translation>
    </message>
    <message>
        <source>{name} is a pipe or a device, not a file.</source>
        <translation>{name} est un tube ou un périphérique, pas un fichier.</translation>
    </message>
    <message>
        <source>Open it in another program and save it there as a PNG picture.</source>
        <translation>Ouvrez-le dans un autre programme et enregistrez-le comme image PNG.</translation>
    </message>
    <message>
        <source>Open it in another program and save the page there as a PNG picture.</source>
        <translation>Ouvrez-le dans un autre programme et enregistrez la page comme image PNG.</translation>
    </message>
    <message>
        <source>There is no file {name}.</source>
        <translation>Il n’y a pas de fichier {name}.</translation>
    </message>
    <message>
        <source>You may not read {name}.</source>
        <translation>Vous n’avez pas le droit de lire {name}.</translation>
    </message>
    <message>
        <source>{name} cannot be read.</source>
        <translation>{name} ne peut pas être lu.</translation>
    </message>
    <message>
        <source>{name} is damaged or cut short.</source>
        <translation>{name} est endommagé ou tronqué.</translation>
    </message>
    <message>
        <source>The camera shows only black. Is it covered?</source>
        <translation>La caméra ne montre que du noir. Est-elle couverte&#xa0;?</translation>
    </message>
    <message>
        <source>It is too dark.</source>
        <translation>Il fait trop sombre.</translation>
    </message>
    <message>
        <source>It is too bright.</source>
        <translation>Il y a trop de lumière.</translation>
    </message>
    <message>
        <source>Out of focus. Hold still, or move back a little.</source>
        <translation>Image floue. Ne bougez plus, ou reculez un peu.</translation>
    </message>
    <message>
        <source>Hold still.</source>
        <translation>Ne bougez plus.</translation>
    </message>
    <message>
        <source>Nothing has changed.</source>
        <translation>Rien n’a changé.</translation>
    </message>
    <message>
        <source>This desktop lets no program look at the screen by itself.</source>
        <translation>Ce bureau ne laisse aucun programme regarder l’écran de lui-même.</translation>
    </message>
    <message>
        <source>Take a screenshot with the desktop&apos;s own key and paste it here.</source>
        <translation>Faites une capture d’écran avec la touche du bureau et collez-la ici.</translation>
    </message>
    <message>
        <source>The screen cannot be seen.</source>
        <translation>L’écran n’est pas visible.</translation>
    </message>
    <message>
        <source>Take a screenshot and paste it here.</source>
        <translation>Faites une capture d’écran et collez-la ici.</translation>
    </message>
    <message>
        <source>Check the name, or name a camera instead.</source>
        <translation>Vérifiez le nom, ou indiquez plutôt une caméra.</translation>
    </message>
    <message>
        <source>There is no file or folder &quot;{name}&quot;.</source>
        <translation>Il n’y a ni fichier ni dossier «&#xa0;{name}&#xa0;».</translation>
    </message>
    <message>
        <source>Close other programs that use the camera, or unplug it and plug it in again.</source>
        <translation>Fermez les autres programmes qui utilisent la caméra, ou débranchez-la puis rebranchez-la.</translation>
    </message>
    <message>
        <source>Add your account to the group &quot;video&quot; and log in again.</source>
        <translation>Ajoutez votre compte au groupe «&#xa0;video&#xa0;» et reconnectez-vous.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; stopped delivering.</source>
        <translation>La caméra «&#xa0;{name}&#xa0;» ne livre plus rien.</translation>
    </message>
    <message>
        <source>Check its cable, or plug it in again.</source>
        <translation>Vérifiez son câble, ou rebranchez-la.</translation>
    </message>
    <message>
        <source>No camera was found.</source>
        <translation>Aucune caméra n’a été trouvée.</translation>
    </message>
    <message>
        <source>Plug one in, or give a video file or the address of a network camera.</source>
        <translation>Branchez-en une, ou indiquez un fichier vidéo ou l’adresse d’une caméra réseau.</translation>
    </message>
    <message>
        <source>There is no camera called &quot;{name}&quot;.</source>
        <translation>Il n’y a pas de caméra nommée «&#xa0;{name}&#xa0;».</translation>
    </message>
    <message>
        <source>Plug it in, or use one of these: {names}.</source>
        <translation>Branchez-la, ou utilisez l’une de celles-ci&#xa0;: {names}.</translation>
    </message>
    <message>
        <source>Plug it in.</source>
        <translation>Branchez-la.</translation>
    </message>
    <message>
        <source>Allow it under Settings, Privacy &amp; security, Camera.</source>
        <translation>Autorisez-le dans Paramètres, Confidentialité et sécurité, Caméra.</translation>
    </message>
    <message>
        <source>Allow it under System Settings, Privacy &amp; Security, Camera.</source>
        <translation>Autorisez-le dans Réglages Système, Confidentialité et sécurité, Appareil photo.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; could not be opened.</source>
        <translation>La caméra «&#xa0;{name}&#xa0;» n’a pas pu être ouverte.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; is not there.</source>
        <translation>La caméra «&#xa0;{name}&#xa0;» n’est pas là.</translation>
    </message>
    <message>
        <source>This account may not use the camera &quot;{name}&quot;.</source>
        <translation>Ce compte ne peut pas utiliser la caméra «&#xa0;{name}&#xa0;».</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; was unplugged.</source>
        <translation>La caméra «&#xa0;{name}&#xa0;» a été débranchée.</translation>
    </message>
    <message>
        <source>Plug it in again.</source>
        <translation>Rebranchez-la.</translation>
    </message>
    <message>
        <source>{one} {other}</source>
        <translation>{one} {other}</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; is busy.</source>
        <translation>La caméra «&#xa0;{name}&#xa0;» est occupée.</translation>
    </message>
    <message>
        <source>Take it out of the folder.</source>
        <translation>Retirez-la du dossier.</translation>
    </message>
    <message>
        <source>Try another file.</source>
        <translation>Essayez un autre fichier.</translation>
    </message>
    <message>
        <source>Choose a folder of JPEG or PNG files.</source>
        <translation>Choisissez un dossier de fichiers JPEG ou PNG.</translation>
    </message>
    <message>
        <source>&quot;{name}&quot; is not a picture that can be read.</source>
        <translation>«&#xa0;{name}&#xa0;» n’est pas une image lisible.</translation>
    </message>
    <message>
        <source>&quot;{name}&quot; is not a video that can be read.</source>
        <translation>«&#xa0;{name}&#xa0;» n’est pas une vidéo lisible.</translation>
    </message>
    <message>
        <source>There is no picture in &quot;{name}&quot;.</source>
        <translation>Il n’y a pas d’image dans «&#xa0;{name}&#xa0;».</translation>
    </message>
    <message>
        <source>Give an address that starts with rtsp:// or http://.</source>
        <translation>Indiquez une adresse qui commence par rtsp:// ou http://.</translation>
    </message>
    <message>
        <source>The address of the stream names no machine.</source>
        <translation>L’adresse du flux ne nomme aucune machine.</translation>
    </message>
    <message>
        <source>Write it like http://192.168.0.20:8080/video.</source>
        <translation>Écrivez-la ainsi&#xa0;: http://192.168.0.20:8080/video.</translation>
    </message>
    <message>
        <source>The stream from {host} broke off.</source>
        <translation>Le flux de {host} s’est interrompu.</translation>
    </message>
    <message>
        <source>Check that the camera is on and in reach.</source>
        <translation>Vérifiez que la caméra est allumée et à portée.</translation>
    </message>
    <message>
        <source>Write the address like http://name:password@host/.</source>
        <translation>Écrivez l’adresse ainsi&#xa0;: http://nom:motdepasse@machine/.</translation>
    </message>
    <message>
        <source>Spyglass cannot read &quot;{scheme}&quot; streams.</source>
        <translation>Spyglass ne sait pas lire les flux «&#xa0;{scheme}&#xa0;».</translation>
    </message>
    <message>
        <source>Check the address, and that the camera is on and in the same network.</source>
        <translation>Vérifiez l’adresse, et que la caméra est allumée et sur le même réseau.</translation>
    </message>
    <message>
        <source>The camera at {host} wants a password.</source>
        <translation>La caméra de {host} demande un mot de passe.</translation>
    </message>
    <message>
        <source>Nothing that is a video answers at {host}.</source>
        <translation>Rien qui soit une vidéo ne répond à l’adresse {host}.</translation>
    </message>
    <message>
        <source>What is typed could not be saved.</source>
        <translation>Le texte saisi n’a pas pu être enregistré.</translation>
    </message>
    <message>
        <source>The conversation could not be saved; it is there until the program ends.</source>
        <translation>La conversation n’a pas pu être enregistrée ; elle reste là jusqu’à la fin du programme.</translation>
    </message>
    <message>
        <source>Check the disk and the permissions of the folder for conversations.</source>
        <translation>Vérifiez le disque et les droits du dossier des conversations.</translation>
    </message>
    <message>
        <source>This conversation cannot be read.</source>
        <translation>Cette conversation est illisible.</translation>
    </message>
    <message>
        <source>Choose another one, or begin a new one.</source>
        <translation>Choisissez-en une autre ou commencez-en une nouvelle.</translation>
    </message>
    <message>
        <source>The conversation could not be deleted.</source>
        <translation>La conversation n’a pas pu être supprimée.</translation>
    </message>
    <message>
        <source>Check the permissions of the folder for conversations.</source>
        <translation>Vérifiez les droits du dossier des conversations.</translation>
    </message>
    <message>
        <source>The model computes nonsense instead of an answer.</source>
        <translation>Le modèle calcule n’importe quoi au lieu d’une réponse.</translation>
    </message>
    <message>
        <source>Its file may be damaged: download or convert it again.</source>
        <translation>Son fichier est peut-être endommagé&#xa0;: téléchargez-le ou convertissez-le à nouveau.</translation>
    </message>
    <message>
        <source>The engine ran out of memory.</source>
        <translation>Le moteur a manqué de mémoire.</translation>
    </message>
    <message>
        <source>Choose a smaller model, a shorter context or a smaller picture.</source>
        <translation>Choisissez un modèle plus petit, un contexte plus court ou une image plus petite.</translation>
    </message>
    <message>
        <source>The engine made an internal error.</source>
        <translation>Le moteur a commis une erreur interne.</translation>
    </message>
    <message>
        <source>Ask again; if it happens again, please report it with the details.</source>
        <translation>Posez la question à nouveau&#xa0;; si cela se reproduit, signalez-le avec les détails.</translation>
    </message>
    <message>
        <source>The engine has been closed.</source>
        <translation>Le moteur a été fermé.</translation>
    </message>
    <message>
        <source>Start Spyglass again.</source>
        <translation>Redémarrez Spyglass.</translation>
    </message>
    <message>
        <source>The question cannot be handed to the engine.</source>
        <translation>La question ne peut pas être remise au moteur.</translation>
    </message>
    <message>
        <source>Ask with smaller pictures or in a new conversation.</source>
        <translation>Posez-la avec des images plus petites ou dans une nouvelle conversation.</translation>
    </message>
    <message>
        <source>The engine&apos;s client failed.</source>
        <translation>La liaison avec le moteur a échoué.</translation>
    </message>
    <message>
        <source>Ask again; if it happens again with this model, its file may be damaged or too new: try another model.</source>
        <translation>Posez la question à nouveau&#xa0;; si cela se reproduit avec ce modèle, son fichier est peut-être endommagé ou trop récent&#xa0;: essayez-en un autre.</translation>
    </message>
    <message>
        <source>Close other programs, or choose a smaller model or a shorter context, and ask again.</source>
        <translation>Fermez d’autres programmes, ou choisissez un modèle plus petit ou un contexte plus court, puis posez la question à nouveau.</translation>
    </message>
    <message>
        <source>Start Spyglass again; if that does not help, install it again.</source>
        <translation>Redémarrez Spyglass&#xa0;; si cela n’aide pas, réinstallez-le.</translation>
    </message>
    <message>
        <source>The engine sent something that makes no sense and was ended.</source>
        <translation>Le moteur a envoyé quelque chose d’incompréhensible et a été arrêté.</translation>
    </message>
    <message>
        <source>The engine stopped responding and was ended.</source>
        <translation>Le moteur ne répondait plus et a été arrêté.</translation>
    </message>
    <message>
        <source>The engine made no progress for a long time and was ended.</source>
        <translation>Le moteur n’avançait plus depuis longtemps et a été arrêté.</translation>
    </message>
    <message>
        <source>The engine used more memory than it is allowed and was ended.</source>
        <translation>Le moteur a utilisé plus de mémoire que permis et a été arrêté.</translation>
    </message>
    <message>
        <source>Spyglass was updated while it was running.</source>
        <translation>Spyglass a été mis à jour pendant qu’il tournait.</translation>
    </message>
    <message>
        <source>Close Spyglass and start it again.</source>
        <translation>Fermez Spyglass et redémarrez-le.</translation>
    </message>
    <message>
        <source>The engine could not be started.</source>
        <translation>Le moteur n’a pas pu démarrer.</translation>
    </message>
    <message>
        <source>The engine was ended by the system, most likely because memory ran out.</source>
        <translation>Le système a arrêté le moteur, sans doute parce que la mémoire s’épuisait.</translation>
    </message>
    <message>
        <source>The engine could not get the memory it needed.</source>
        <translation>Le moteur n’a pas obtenu la mémoire dont il avait besoin.</translation>
    </message>
    <message>
        <source>The engine crashed in its native code.</source>
        <translation>Le moteur a planté dans son code natif.</translation>
    </message>
    <message>
        <source>The engine ended itself because one of its internal checks failed.</source>
        <translation>Le moteur s’est arrêté parce qu’un de ses contrôles internes a échoué.</translation>
    </message>
    <message>
        <source>The engine ended itself, most likely because it could not get more memory.</source>
        <translation>Le moteur s’est arrêté, sans doute faute de pouvoir obtenir plus de mémoire.</translation>
    </message>
    <message>
        <source>The engine was built for a newer processor than the one in this computer.</source>
        <translation>Le moteur a été compilé pour un processeur plus récent que celui de cet ordinateur.</translation>
    </message>
    <message>
        <source>Install the build of Spyglass that runs on every processor.</source>
        <translation>Installez la version de Spyglass qui tourne sur tous les processeurs.</translation>
    </message>
    <message>
        <source>The engine could not read on in the model file: the file became shorter or its disk failed.</source>
        <translation>Le moteur n’a pas pu lire la suite du fichier du modèle&#xa0;: le fichier a raccourci ou son disque a lâché.</translation>
    </message>
    <message>
        <source>Check the disk, then download or copy the model again.</source>
        <translation>Vérifiez le disque, puis téléchargez ou copiez le modèle à nouveau.</translation>
    </message>
    <message>
        <source>A library that the engine needs is missing or does not fit this system.</source>
        <translation>Une bibliothèque nécessaire au moteur manque ou ne convient pas à ce système.</translation>
    </message>
    <message>
        <source>The engine was stopped from outside Spyglass.</source>
        <translation>Le moteur a été arrêté de l’extérieur.</translation>
    </message>
    <message>
        <source>Ask again; the engine starts anew by itself.</source>
        <translation>Posez la question à nouveau&#xa0;; le moteur redémarre de lui-même.</translation>
    </message>
    <message>
        <source>The engine ended unexpectedly.</source>
        <translation>Le moteur s’est arrêté de façon inattendue.</translation>
    </message>
    <message>
        <source>A quantised KV cache needs flash attention.</source>
        <translation>Un cache KV quantifié a besoin de Flash Attention.</translation>
    </message>
    <message>
        <source>Turn it on, or choose the f16 cache.</source>
        <translation>Activez-la, ou choisissez le cache f16.</translation>
    </message>
    <message>
        <source>The prompt is empty.</source>
        <translation>L’invite est vide.</translation>
    </message>
    <message>
        <source>Write one.</source>
        <translation>Écrivez-en une.</translation>
    </message>
    <message>
        <source>Give one picture a mark.</source>
        <translation>Donnez une marque à chaque image.</translation>
    </message>
    <message>
        <source>The prompt shows {marks} pictures, but there are {count}.</source>
        <translation>L’invite montre {marks} images, mais il y en a {count}.</translation>
    </message>
    <message>
        <source>Choose a model of that kind, or let the program choose how to run this one.</source>
        <translation>Choisissez un modèle de ce genre, ou laissez le programme choisir comment exécuter celui-ci.</translation>
    </message>
    <message>
        <source>Join the parts with llama-gguf-split --merge.</source>
        <translation>Réunissez les parties avec llama-gguf-split --merge.</translation>
    </message>
    <message>
        <source>{name} is not a Llama 3.2 Vision model.</source>
        <translation>{name} n’est pas un modèle Llama 3.2 Vision.</translation>
    </message>
    <message>
        <source>{name} is one part of a model in several files.</source>
        <translation>{name} est une partie d’un modèle réparti sur plusieurs fichiers.</translation>
    </message>
    <message>
        <source>Download or convert the model again.</source>
        <translation>Téléchargez ou convertissez le modèle à nouveau.</translation>
    </message>
    <message>
        <source>The sizes written in {name} contradict one another.</source>
        <translation>Les tailles indiquées dans {name} se contredisent.</translation>
    </message>
    <message>
        <source>The library that runs models has no code for this processor.</source>
        <translation>La bibliothèque qui exécute les modèles n’a pas de code pour ce processeur.</translation>
    </message>
    <message>
        <source>Install it again.</source>
        <translation>Réinstallez-la.</translation>
    </message>
    <message>
        <source>The model&apos;s parts do not fit together.</source>
        <translation>Les parties du modèle ne vont pas ensemble.</translation>
    </message>
    <message>
        <source>Choose another model file.</source>
        <translation>Choisissez un autre fichier de modèle.</translation>
    </message>
    <message>
        <source>There is not enough memory for the computation.</source>
        <translation>Il n’y a pas assez de mémoire pour le calcul.</translation>
    </message>
    <message>
        <source>Choose a smaller context or close other programs.</source>
        <translation>Choisissez un contexte plus petit ou fermez d’autres programmes.</translation>
    </message>
    <message>
        <source>The computation failed.</source>
        <translation>Le calcul a échoué.</translation>
    </message>
    <message>
        <source>Try again, without the GPU if there is one.</source>
        <translation>Réessayez, sans le GPU s’il y en a un.</translation>
    </message>
    <message>
        <source>Download or convert it again; if it comes in two files, give both.</source>
        <translation>Téléchargez-le ou convertissez-le à nouveau&#xa0;; s’il est en deux fichiers, indiquez les deux.</translation>
    </message>
    <message>
        <source>The model file {name} is incomplete.</source>
        <translation>Le fichier de modèle {name} est incomplet.</translation>
    </message>
    <message>
        <source>Download or convert it again.</source>
        <translation>Téléchargez-le ou convertissez-le à nouveau.</translation>
    </message>
    <message>
        <source>The model file {name} does not fit its own description.</source>
        <translation>Le fichier de modèle {name} ne correspond pas à sa propre description.</translation>
    </message>
    <message>
        <source>A picture of this conversation is missing.</source>
        <translation>Une image de cette conversation manque.</translation>
    </message>
    <message>
        <source>Add it again.</source>
        <translation>Ajoutez-la à nouveau.</translation>
    </message>
    <message>
        <source>Start a new conversation, or choose a larger context in the settings.</source>
        <translation>Commencez une nouvelle conversation, ou choisissez un contexte plus grand dans les réglages.</translation>
    </message>
    <message>
        <source>The conversation is {tokens} tokens long, but the context holds {context}.</source>
        <translation>La conversation compte {tokens} jetons, mais le contexte en contient {context}.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary does not fit its weights.</source>
        <translation>Le vocabulaire du modèle ne correspond pas à ses poids.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary is not Llama 3&apos;s.</source>
        <translation>Le vocabulaire du modèle n’est pas celui de Llama 3.</translation>
    </message>
    <message>
        <source>Use another model file.</source>
        <translation>Utilisez un autre fichier de modèle.</translation>
    </message>
    <message>
        <source>Close other programs, or use fewer layers on the GPU.</source>
        <translation>Fermez d’autres programmes, ou mettez moins de couches sur le GPU.</translation>
    </message>
    <message>
        <source>{size} MiB for the model could not be had.</source>
        <translation>{size} Mio pour le modèle n’ont pas pu être obtenus.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary cannot read this text.</source>
        <translation>Le vocabulaire du modèle ne peut pas lire ce texte.</translation>
    </message>
    <message>
        <source>Use another model.</source>
        <translation>Utilisez un autre modèle.</translation>
    </message>
    <message>
        <source>The vocabulary in {name} cannot be read.</source>
        <translation>Le vocabulaire de {name} ne peut pas être lu.</translation>
    </message>
    <message>
        <source>Wait until it is complete.</source>
        <translation>Attendez qu’il soit complet.</translation>
    </message>
    <message>
        <source>The model file {name} changed while it was being opened.</source>
        <translation>Le fichier de modèle {name} a changé pendant son ouverture.</translation>
    </message>
    <message>
        <source>Choose the projector that was published with the model.</source>
        <translation>Choisissez le projecteur publié avec le modèle.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s own file, and this one as its projector.</source>
        <translation>Choisissez le fichier du modèle lui-même, et celui-ci comme projecteur.</translation>
    </message>
    <message>
        <source>Choose the projector that belongs to the model; its name usually begins with mmproj.</source>
        <translation>Choisissez le projecteur du modèle&#xa0;; son nom commence en général par mmproj.</translation>
    </message>
    <message>
        <source>The projector {name} belongs to another model.</source>
        <translation>Le projecteur {name} appartient à un autre modèle.</translation>
    </message>
    <message>
        <source>{name} is the vision part of a model, not the model itself.</source>
        <translation>{name} est la partie visuelle d’un modèle, pas le modèle lui-même.</translation>
    </message>
    <message>
        <source>{name} is not the vision part of a model.</source>
        <translation>{name} n’est pas la partie visuelle d’un modèle.</translation>
    </message>
    <message>
        <source>This model cannot see pictures without its projector.</source>
        <translation>Sans son projecteur, ce modèle ne voit pas les images.</translation>
    </message>
    <message>
        <source>Choose its projector too: the file beside it whose name begins with mmproj.</source>
        <translation>Choisissez aussi son projecteur&#xa0;: le fichier à côté dont le nom commence par mmproj.</translation>
    </message>
    <message>
        <source>A picture of the conversation is missing.</source>
        <translation>Une image de la conversation manque.</translation>
    </message>
    <message>
        <source>Add the picture again.</source>
        <translation>Ajoutez l’image à nouveau.</translation>
    </message>
    <message>
        <source>The model&apos;s chat template ends with a picture, not with a question.</source>
        <translation>Le modèle de dialogue se termine par une image, pas par une question.</translation>
    </message>
    <message>
        <source>Start a new conversation, show fewer or smaller pictures, or choose a larger context in the settings.</source>
        <translation>Commencez une nouvelle conversation, montrez moins d’images ou de plus petites, ou choisissez un contexte plus grand dans les réglages.</translation>
    </message>
    <message>
        <source>Start a new conversation, ask for less at once, or choose a larger context in the settings.</source>
        <translation>Commencez une nouvelle conversation, demandez-en moins à la fois, ou choisissez un contexte plus grand dans les réglages.</translation>
    </message>
    <message>
        <source>The conversation has {tokens} tokens, but the model was loaded for {context}.</source>
        <translation>La conversation compte {tokens} jetons, mais le modèle a été chargé pour {context}.</translation>
    </message>
    <message>
        <source>The model cannot prepare this picture.</source>
        <translation>Le modèle ne peut pas préparer cette image.</translation>
    </message>
    <message>
        <source>Try another picture.</source>
        <translation>Essayez une autre image.</translation>
    </message>
    <message>
        <source>The model could not read the conversation.</source>
        <translation>Le modèle n’a pas pu lire la conversation.</translation>
    </message>
    <message>
        <source>Try again.</source>
        <translation>Réessayez.</translation>
    </message>
    <message>
        <source>Download it again or use another one.</source>
        <translation>Téléchargez-le à nouveau ou utilisez-en un autre.</translation>
    </message>
    <message>
        <source>Use a chat model.</source>
        <translation>Utilisez un modèle de dialogue.</translation>
    </message>
    <message>
        <source>The model cannot be started.</source>
        <translation>Le modèle ne peut pas démarrer.</translation>
    </message>
    <message>
        <source>Choose a smaller context or another model.</source>
        <translation>Choisissez un contexte plus petit ou un autre modèle.</translation>
    </message>
    <message>
        <source>The model does not write text.</source>
        <translation>Le modèle n’écrit pas de texte.</translation>
    </message>
    <message>
        <source>The model {name} cannot be loaded.</source>
        <translation>Le modèle {name} ne peut pas être chargé.</translation>
    </message>
    <message>
        <source>The model {name} cannot hold a conversation.</source>
        <translation>Le modèle {name} ne peut pas tenir de conversation.</translation>
    </message>
    <message>
        <source>The model cannot read this conversation.</source>
        <translation>Le modèle ne peut pas lire cette conversation.</translation>
    </message>
    <message>
        <source>Try another picture or another model.</source>
        <translation>Essayez une autre image ou un autre modèle.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s projector for pictures.</source>
        <translation>Choisissez le projecteur du modèle pour les images.</translation>
    </message>
    <message>
        <source>The model could not look at the picture.</source>
        <translation>Le modèle n’a pas pu regarder l’image.</translation>
    </message>
    <message>
        <source>The picture takes more tokens than the model reads at once.</source>
        <translation>L’image prend plus de jetons que le modèle n’en lit à la fois.</translation>
    </message>
    <message>
        <source>The projector {name} cannot be used with this model.</source>
        <translation>Le projecteur {name} ne peut pas servir avec ce modèle.</translation>
    </message>
    <message>
        <source>The projector {name} is not for pictures.</source>
        <translation>Le projecteur {name} n’est pas fait pour les images.</translation>
    </message>
    <message>
        <source>The model cannot tell the size of a picture.</source>
        <translation>Le modèle ne peut pas dire la taille d’une image.</translation>
    </message>
    <message>
        <source>{size:.0f} MiB</source>
        <translation>{size:.0f}&#xa0;Mio</translation>
    </message>
    <message>
        <source>Close other programs or use a smaller model.</source>
        <translation>Fermez d’autres programmes ou utilisez un modèle plus petit.</translation>
    </message>
    <message>
        <source>{size:.1f} GiB</source>
        <translation>{size:.1f}&#xa0;Gio</translation>
    </message>
    <message>
        <source>The model needs {needed} of memory, but only {free} are free.</source>
        <translation>Le modèle a besoin de {needed} de mémoire, mais seuls {free} sont libres.</translation>
    </message>
    <message>
        <source>A context of {tokens} tokens needs {needed} of memory, but only {free} are free.</source>
        <translation>Un contexte de {tokens} jetons demande {needed} de mémoire, mais seuls {free} sont libres.</translation>
    </message>
    <message>
        <source>Choose a context of {tokens} tokens or fewer, or close other programs.</source>
        <translation>Choisissez un contexte de {tokens} jetons au plus, ou fermez d’autres programmes.</translation>
    </message>
    <message>
        <source>Install llama-cpp-python 0.3.36 again.</source>
        <translation>Réinstallez llama-cpp-python 0.3.36.</translation>
    </message>
    <message>
        <source>The library that runs models is {name} {found}, but {wanted} is needed.</source>
        <translation>La bibliothèque qui exécute les modèles est {name} {found}, mais il faut {wanted}.</translation>
    </message>
    <message>
        <source>The library that runs models is not installed.</source>
        <translation>La bibliothèque qui exécute les modèles n’est pas installée.</translation>
    </message>
    <message>
        <source>Install llama-cpp-python 0.3.36.</source>
        <translation>Installez llama-cpp-python 0.3.36.</translation>
    </message>
    <message>
        <source>The library that runs models cannot be loaded.</source>
        <translation>La bibliothèque qui exécute les modèles ne peut pas être chargée.</translation>
    </message>
    <message>
        <source>The libraries that run models cannot be loaded on this computer.</source>
        <translation>Les bibliothèques qui exécutent les modèles ne peuvent pas être chargées sur cet ordinateur.</translation>
    </message>
    <message>
        <source>Install Spyglass again; `spyglass doctor` tells more.</source>
        <translation>Réinstallez Spyglass&#xa0;; `spyglass doctor` en dit plus.</translation>
    </message>
    <message>
        <source>The form of answer that was asked for cannot be enforced.</source>
        <translation>La forme de réponse demandée ne peut pas être imposée.</translation>
    </message>
    <message>
        <source>Use a simpler JSON schema.</source>
        <translation>Utilisez un schéma JSON plus simple.</translation>
    </message>
    <message>
        <source>The model computed something that is not a number.</source>
        <translation>Le modèle a calculé quelque chose qui n’est pas un nombre.</translation>
    </message>
    <message>
        <source>Its file is damaged: download or convert it again.</source>
        <translation>Son fichier est endommagé&#xa0;: téléchargez-le ou convertissez-le à nouveau.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary cannot write the form of answer that was asked for.</source>
        <translation>Le vocabulaire du modèle ne peut pas écrire la forme de réponse demandée.</translation>
    </message>
    <message>
        <source>The chat template inside the model file does not work.</source>
        <translation>Le modèle de dialogue contenu dans le fichier ne fonctionne pas.</translation>
    </message>
    <message>
        <source>Download the model again or use another one.</source>
        <translation>Téléchargez le modèle à nouveau ou utilisez-en un autre.</translation>
    </message>
    <message>
        <source>The model&apos;s chat template refuses this conversation.</source>
        <translation>Le modèle de dialogue refuse cette conversation.</translation>
    </message>
    <message>
        <source>Start a new conversation or use another model.</source>
        <translation>Commencez une nouvelle conversation ou utilisez un autre modèle.</translation>
    </message>
    <message>
        <source>{what} {todo}</source>
        <translation>{what} {todo}</translation>
    </message>
    <message>
        <source>The model file {name} is damaged or is not a GGUF file.</source>
        <translation>Le fichier de modèle {name} est endommagé ou n’est pas un fichier GGUF.</translation>
    </message>
    <message>
        <source>Check that it exists and may be read.</source>
        <translation>Vérifiez qu’il existe et qu’il peut être lu.</translation>
    </message>
    <message>
        <source>The model file {name} cannot be read.</source>
        <translation>Le fichier de modèle {name} ne peut pas être lu.</translation>
    </message>
    <message>
        <source>Check that it is still there.</source>
        <translation>Vérifiez qu’il est toujours là.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s own file.</source>
        <translation>Choisissez le fichier du modèle lui-même.</translation>
    </message>
    <message>
        <source>Spyglass does not load models from addresses.</source>
        <translation>Spyglass ne charge pas de modèles depuis des adresses.</translation>
    </message>
    <message>
        <source>Download the model and name the file.</source>
        <translation>Téléchargez le modèle et indiquez le fichier.</translation>
    </message>
    <message>
        <source>There is no model file {name}.</source>
        <translation>Il n’y a pas de fichier de modèle {name}.</translation>
    </message>
    <message>
        <source>Choose a GGUF file.</source>
        <translation>Choisissez un fichier GGUF.</translation>
    </message>
    <message>
        <source>Choose another model.</source>
        <translation>Choisissez un autre modèle.</translation>
    </message>
    <message>
        <source>The folder holds several models.</source>
        <translation>Le dossier contient plusieurs modèles.</translation>
    </message>
    <message>
        <source>Several models&apos; names begin with {name}.</source>
        <translation>Les noms de plusieurs modèles commencent par {name}.</translation>
    </message>
    <message>
        <source>No model&apos;s name begins with {name}.</source>
        <translation>Aucun nom de modèle ne commence par {name}.</translation>
    </message>
    <message>
        <source>Choose one of {names}, or name a file.</source>
        <translation>Choisissez parmi {names}, ou indiquez un fichier.</translation>
    </message>
    <message>
        <source>The part {name} is missing.</source>
        <translation>La partie {name} manque.</translation>
    </message>
    <message>
        <source>Its projector (mmproj) is not beside it.</source>
        <translation>Son projecteur (mmproj) n’est pas à côté.</translation>
    </message>
    <message>
        <source>{name} is a model&apos;s projector, not the model itself.</source>
        <translation>{name} est le projecteur d’un modèle, pas le modèle lui-même.</translation>
    </message>
    <message>
        <source>{name} is a file that goes with a model, not the model itself.</source>
        <translation>{name} est un fichier qui accompagne un modèle, pas le modèle lui-même.</translation>
    </message>
    <message>
        <source>The starter model is not part of this copy of Spyglass.</source>
        <translation>Le modèle de départ ne fait pas partie de cette copie de Spyglass.</translation>
    </message>
    <message>
        <source>{name} is a checkpoint, not a GGUF file.</source>
        <translation>{name} est un checkpoint, pas un fichier GGUF.</translation>
    </message>
    <message>
        <source>Convert it: spyglass models convert.</source>
        <translation>Convertissez-le&#xa0;: spyglass models convert.</translation>
    </message>
    <message>
        <source>{name} is a folder without a usable model.</source>
        <translation>{name} est un dossier sans modèle utilisable.</translation>
    </message>
    <message>
        <source>{name} is not a file.</source>
        <translation>{name} n’est pas un fichier.</translation>
    </message>
    <message>
        <source>Choose one of {names}.</source>
        <translation>Choisissez parmi {names}.</translation>
    </message>
    <message>
        <source>The model&apos;s path holds bytes that are not UTF-8.</source>
        <translation>Le chemin du modèle contient des octets qui ne sont pas de l’UTF-8.</translation>
    </message>
    <message>
        <source>Rename the file.</source>
        <translation>Renommez le fichier.</translation>
    </message>
    <message>
        <source>Put its projector (the name usually begins with mmproj) into the same folder, or name it.</source>
        <translation>Mettez son projecteur (son nom commence en général par mmproj) dans le même dossier, ou indiquez-le.</translation>
    </message>
    <message>
        <source>{name} reads text only, and its projector is not beside it.</source>
        <translation>{name} ne lit que du texte, et son projecteur n’est pas à côté.</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>Demander</translation>
    </message>
    <message>
        <source>Recognise</source>
        <translation>Reconnaître</translation>
    </message>
    <message>
        <source>Nothing that I know.</source>
        <translation>Rien que je connaisse.</translation>
    </message>
    <message>
        <source>Looking.</source>
        <translation>Observation.</translation>
    </message>
    <message>
        <source>Resting, to keep the machine cool.</source>
        <translation>Pause, pour que la machine reste fraîche.</translation>
    </message>
    <message>
        <source>Resting, to save the battery.</source>
        <translation>Pause, pour économiser la batterie.</translation>
    </message>
    <message>
        <source>Trying again soon.</source>
        <translation>Nouvel essai bientôt.</translation>
    </message>
    <message>
        <source>Paused.</source>
        <translation>En pause.</translation>
    </message>
    <message>
        <source>Save it as text in UTF-8, a line for each term.</source>
        <translation>Enregistrez-le comme texte en UTF-8, une ligne par terme.</translation>
    </message>
    <message>
        <source>Write each one as: term = word.</source>
        <translation>Écrivez chacun ainsi&#xa0;: terme = mot.</translation>
    </message>
    <message>
        <source>There is no glossary {name}.</source>
        <translation>Il n’y a pas de glossaire {name}.</translation>
    </message>
    <message>
        <source>The glossary {name} cannot be read.</source>
        <translation>Le glossaire {name} ne peut pas être lu.</translation>
    </message>
    <message>
        <source>Line {number} of the glossary is no term.</source>
        <translation>La ligne {number} du glossaire n’est pas un terme.</translation>
    </message>
    <message>
        <source>The language {code} is not offered.</source>
        <translation>La langue {code} n’est pas proposée.</translation>
    </message>
    <message>
        <source>Point the camera at the text again.</source>
        <translation>Pointez à nouveau la caméra sur le texte.</translation>
    </message>
    <message>
        <source>Turn the camera off and on again.</source>
        <translation>Éteignez la caméra puis rallumez-la.</translation>
    </message>
    <message>
        <source>Translate</source>
        <translation>Traduire</translation>
    </message>
    <message>
        <source>The translation was stopped.</source>
        <translation>La traduction a été arrêtée.</translation>
    </message>
    <message>
        <source>Start it again to go on.</source>
        <translation>Relancez-la pour continuer.</translation>
    </message>
    <message>
        <source>A translation is not saved as {kind}.</source>
        <translation>Une traduction ne s’enregistre pas en {kind}.</translation>
    </message>
    <message>
        <source>Use {names}.</source>
        <translation>Utilisez {names}.</translation>
    </message>
    <message>
        <source>Check the folder and the disk.</source>
        <translation>Vérifiez le dossier et le disque.</translation>
    </message>
    <message>
        <source>There is no picture to draw on.</source>
        <translation>Il n’y a pas d’image sur laquelle dessiner.</translation>
    </message>
    <message>
        <source>Save the texts as .txt.</source>
        <translation>Enregistrez les textes en .txt.</translation>
    </message>
    <message>
        <source>{name} cannot be written.</source>
        <translation>{name} ne peut pas être écrit.</translation>
    </message>
    <message>
        <source>This text cannot be drawn: its letters join, and the library that joins them is missing.</source>
        <translation>Ce texte ne peut pas être dessiné&#xa0;: ses lettres se lient, et la bibliothèque qui les lie manque.</translation>
    </message>
    <message>
        <source>Install FriBidi (libfribidi) or use the translation beside the picture.</source>
        <translation>Installez FriBidi (libfribidi) ou lisez la traduction à côté de l’image.</translation>
    </message>
    <message>
        <source>It is not said what to watch for.</source>
        <translation>Ce qu’il faut guetter n’est pas dit.</translation>
    </message>
    <message>
        <source>Write it like &quot;a bus&quot; or &quot;tell me when the door is open&quot;.</source>
        <translation>Écrivez par exemple «&#xa0;a bus&#xa0;» ou «&#xa0;tell me when the door is open&#xa0;».</translation>
    </message>
    <message>
        <source>true or false</source>
        <translation>vrai ou faux</translation>
    </message>
    <message>
        <source>a whole number</source>
        <translation>un nombre entier</translation>
    </message>
    <message>
        <source>a number</source>
        <translation>un nombre</translation>
    </message>
    <message>
        <source>text</source>
        <translation>du texte</translation>
    </message>
    <message>
        <source>The setting {key} must be {rule}.</source>
        <translation>Le réglage {key} doit être {rule}.</translation>
    </message>
    <message>
        <source>Its default is {value}.</source>
        <translation>Sa valeur par défaut est {value}.</translation>
    </message>
    <message>
        <source>There is no setting {key}.</source>
        <translation>Il n’y a pas de réglage {key}.</translation>
    </message>
    <message>
        <source>The settings are {names}.</source>
        <translation>Les réglages sont {names}.</translation>
    </message>
    <message>
        <source>one of {names}</source>
        <translation>l’une de ces valeurs&#xa0;: {names}</translation>
    </message>
    <message>
        <source>between {low} and {high}</source>
        <translation>entre {low} et {high}</translation>
    </message>
    <message>
        <source>It was kept as {name}, and the defaults hold.</source>
        <translation>Il a été gardé sous le nom {name}, et les valeurs par défaut s’appliquent.</translation>
    </message>
    <message>
        <source>The settings file was damaged ({reason}). {kept}</source>
        <translation>Le fichier des réglages était endommagé ({reason}). {kept}</translation>
    </message>
    <message>
        <source>It could not be kept, and the defaults hold.</source>
        <translation>Il n’a pas pu être gardé, et les valeurs par défaut s’appliquent.</translation>
    </message>
    <message>
        <source>The settings could not be saved; the change holds until the program ends.</source>
        <translation>Les réglages n’ont pas pu être enregistrés&#xa0;; le changement vaut jusqu’à la fin du programme.</translation>
    </message>
    <message>
        <source>Check the disk and the permissions of the settings folder.</source>
        <translation>Vérifiez le disque et les droits d’accès du dossier des réglages.</translation>
    </message>
    <message>
        <source>The settings could not be read ({reason}); the defaults hold.</source>
        <translation>Les réglages n’ont pas pu être lus ({reason})&#xa0;; les valeurs par défaut s’appliquent.</translation>
    </message>
    <message>
        <source>{what} Until then its default holds.</source>
        <translation>{what} D’ici là, sa valeur par défaut s’applique.</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>Nouvelle conversation</translation>
    </message>
    <message>
        <source>Open picture…</source>
        <translation>Ouvrir une image…</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>Coller</translation>
    </message>
    <message>
        <source>Part of the screen…</source>
        <translation>Partie de l’écran…</translation>
    </message>
    <message>
        <source>Camera</source>
        <translation>Caméra</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>Rechercher dans cette conversation</translation>
    </message>
    <message>
        <source>Open model file…</source>
        <translation>Ouvrir un fichier de modèle…</translation>
    </message>
    <message>
        <source>Settings…</source>
        <translation>Réglages…</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>Touches</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Arrêter</translation>
    </message>
    <message>
        <source>Go to the question</source>
        <translation>Aller à la question</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Quitter</translation>
    </message>
    <message>
        <source>Take the picture (camera on the stage)</source>
        <translation>Prendre la photo (caméra sur la scène)</translation>
    </message>
    <message>
        <source>Zoom in, zoom out, fit (stage)</source>
        <translation>Agrandir, réduire, ajuster (scène)</translation>
    </message>
    <message>
        <source>Move the picture (stage)</source>
        <translation>Déplacer l’image (scène)</translation>
    </message>
    <message>
        <source>Choose and move a part of the picture (stage)</source>
        <translation>Choisir et déplacer une partie de l’image (scène)</translation>
    </message>
    <message>
        <source>Size that part (stage)</source>
        <translation>Redimensionner cette partie (scène)</translation>
    </message>
    <message>
        <source>Copy the answer</source>
        <translation>Copier la réponse</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>Répondre à nouveau</translation>
    </message>
    <message>
        <source>Details of the error</source>
        <translation>Détails de l’erreur</translation>
    </message>
    <message>
        <source>Something in Spyglass went wrong.</source>
        <translation>Un problème est survenu dans Spyglass.</translation>
    </message>
    <message>
        <source>Install Spyglass again.</source>
        <translation>Réinstallez Spyglass.</translation>
    </message>
    <message>
        <source>Try again; if it happens again, report it with the details.</source>
        <translation>Réessayez&#xa0;; si cela se reproduit, signalez-le avec les détails.</translation>
    </message>
    <message>
        <source>Starting the camera</source>
        <translation>Démarrage de la caméra</translation>
    </message>
    <message>
        <source>Spyglass may not use the camera.</source>
        <translation>Spyglass n’a pas le droit d’utiliser la caméra.</translation>
    </message>
    <message>
        <source>Allow it in the privacy settings of the system.</source>
        <translation>Autorisez-le dans les réglages de confidentialité du système.</translation>
    </message>
    <message>
        <source>Stage</source>
        <translation>Scène</translation>
    </message>
    <message>
        <source>You asked: {question}</source>
        <translation>Votre question&#xa0;: {question}</translation>
    </message>
    <message>
        <source>You asked, with a picture: {question}</source>
        <translation>Votre question, avec une image&#xa0;: {question}</translation>
    </message>
    <message>
        <source>Answer: {answer}</source>
        <translation>Réponse&#xa0;: {answer}</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>Arrêté</translation>
    </message>
    <message>
        <source>Cut off: the longest answer allowed</source>
        <translation>Coupée&#xa0;: la plus longue réponse permise</translation>
    </message>
    <message>
        <source>Go to the newest words</source>
        <translation>Aller aux derniers mots</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>Conversation</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Copier</translation>
    </message>
    <message>
        <source>Edit question</source>
        <translation>Modifier la question</translation>
    </message>
    <message>
        <source>Do not send along: {name}</source>
        <translation>Ne pas joindre&#xa0;: {name}</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>Question</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>Envoyer</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>Image</translation>
    </message>
    <message>
        <source>Part of the picture</source>
        <translation>Partie de l’image</translation>
    </message>
    <message>
        <source>Bring a picture, then ask about it in your own words.</source>
        <translation>Apportez une image, puis posez votre question avec vos propres mots.</translation>
    </message>
    <message>
        <source>Drag a rectangle on the picture to ask about a part of it.</source>
        <translation>Tracez un rectangle sur l’image pour poser une question sur une partie.</translation>
    </message>
    <message>
        <source>What would you like to know?</source>
        <translation>Que voulez-vous savoir&#xa0;?</translation>
    </message>
    <message>
        <source>What is in this picture?</source>
        <translation>Qu’y a-t-il sur cette image&#xa0;?</translation>
    </message>
    <message>
        <source>What does the text say?</source>
        <translation>Que dit le texte&#xa0;?</translation>
    </message>
    <message>
        <source>Describe it in one sentence.</source>
        <translation>Décris-la en une phrase.</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>Image collée</translation>
    </message>
    <message>
        <source>guessing</source>
        <translation>au hasard</translation>
    </message>
    <message>
        <source>unsure</source>
        <translation>incertain</translation>
    </message>
    <message>
        <source>fairly sure</source>
        <translation>assez sûr</translation>
    </message>
    <message>
        <source>sure</source>
        <translation>sûr</translation>
    </message>
    <message>
        <source>very sure</source>
        <translation>très sûr</translation>
    </message>
    <message>
        <source>Tokens read: {read}, of them reused: {reused}</source>
        <translation>Jetons lus&#xa0;: {read}, dont réutilisés&#xa0;: {reused}</translation>
    </message>
    <message>
        <source>Pictures: {pictures}, looked at now: {now}</source>
        <translation>Images&#xa0;: {pictures}, regardées maintenant&#xa0;: {now}</translation>
    </message>
    <message>
        <source>Tokens written: {written} in {time}</source>
        <translation>Jetons écrits&#xa0;: {written} en {time}</translation>
    </message>
    <message>
        <source>Loading {loading}, looking {looking}, reading {reading}</source>
        <translation>Chargement {loading}, regard {looking}, lecture {reading}</translation>
    </message>
    <message>
        <source>Mean probability of a token: {share:.0%}</source>
        <translation>Probabilité moyenne d’un jeton&#xa0;: {share:.0%}</translation>
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
        <translation>Écriture</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>Démarrage</translation>
    </message>
    <message>
        <source>{time} to first word</source>
        <translation>{time} jusqu’au premier mot</translation>
    </message>
    <message>
        <source>{speed} tokens/s</source>
        <translation>{speed} jetons/s</translation>
    </message>
    <message>
        <source>picture reused</source>
        <translation>image réutilisée</translation>
    </message>
    <message>
        <source>Loading the model</source>
        <translation>Chargement du modèle</translation>
    </message>
    <message>
        <source>Looking at the picture</source>
        <translation>Examen de l’image</translation>
    </message>
    <message>
        <source>Looking at picture {number} of {all}</source>
        <translation>Examen de l’image {number} sur {all}</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>Lecture</translation>
    </message>
    <message numerus="yes">
        <source>{n} tokens reused</source>
        <translation>
            <numerusform>{n} jeton réutilisé</numerusform>
            <numerusform>{n} jetons réutilisés</numerusform>
        </translation>
    </message>
    <message>
        <source>The place before</source>
        <translation>Résultat précédent</translation>
    </message>
    <message>
        <source>The next place</source>
        <translation>Résultat suivant</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Fermer</translation>
    </message>
    <message>
        <source>{place} of {places}</source>
        <translation>{place} sur {places}</translation>
    </message>
    <message>
        <source>Not found</source>
        <translation>Introuvable</translation>
    </message>
    <message>
        <source>Nothing leaves this machine: pictures, questions and answers stay here.</source>
        <translation>Rien ne quitte cette machine&#xa0;: images, questions et réponses restent ici.</translation>
    </message>
    <message>
        <source>Resting</source>
        <translation>Au repos</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>Prêt</translation>
    </message>
    <message>
        <source>Working</source>
        <translation>Au travail</translation>
    </message>
    <message>
        <source>Restarting</source>
        <translation>Redémarrage</translation>
    </message>
    <message>
        <source>Menu</source>
        <translation>Menu</translation>
    </message>
    <message>
        <source>Offline</source>
        <translation>Hors ligne</translation>
    </message>
    <message>
        <source>Choose the model</source>
        <translation>Choisir le modèle</translation>
    </message>
    <message>
        <source>Engine: {state}</source>
        <translation>Moteur&#xa0;: {state}</translation>
    </message>
    <message>
        <source>Model: {name}</source>
        <translation>Modèle&#xa0;: {name}</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>Recherche…</translation>
    </message>
    <message>
        <source>{number}%</source>
        <translation>{number}&#xa0;%</translation>
    </message>
    <message>
        <source>The texts in {language} are missing.</source>
        <translation>Les textes en {language} manquent.</translation>
    </message>
    <message>
        <source>Saved as {name}</source>
        <translation>Enregistré sous {name}</translation>
    </message>
    <message>
        <source>{name} could not be saved.</source>
        <translation>{name} n’a pas pu être enregistré.</translation>
    </message>
    <message>
        <source>Check the folder.</source>
        <translation>Vérifiez le dossier.</translation>
    </message>
    <message>
        <source>sent</source>
        <translation>envoyées</translation>
    </message>
    <message>
        <source>nothing new</source>
        <translation>rien de nouveau</translation>
    </message>
    <message>
        <source>black</source>
        <translation>noires</translation>
    </message>
    <message>
        <source>too dark</source>
        <translation>trop sombres</translation>
    </message>
    <message>
        <source>too bright</source>
        <translation>trop claires</translation>
    </message>
    <message>
        <source>blurred</source>
        <translation>floues</translation>
    </message>
    <message>
        <source>moving</source>
        <translation>en mouvement</translation>
    </message>
    <message>
        <source>engine busy</source>
        <translation>moteur occupé</translation>
    </message>
    <message>
        <source>resting</source>
        <translation>pause</translation>
    </message>
    <message>
        <source>after a failure</source>
        <translation>après un échec</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>en pause</translation>
    </message>
    <message>
        <source>Stop watching</source>
        <translation>Ne plus guetter</translation>
    </message>
    <message>
        <source>{share:.0%} {fate}</source>
        <translation>{share:.0%} {fate}</translation>
    </message>
    <message>
        <source>Save a snapshot</source>
        <translation>Enregistrer un instantané</translation>
    </message>
    <message>
        <source>Save the last ten seconds</source>
        <translation>Enregistrer les dix dernières secondes</translation>
    </message>
    <message>
        <source>Looking around</source>
        <translation>Regarde autour</translation>
    </message>
    <message>
        <source>{size:.1f} GB</source>
        <translation>{size:.1f}&#xa0;Go</translation>
    </message>
    <message>
        <source>About Spyglass</source>
        <translation>À propos de Spyglass</translation>
    </message>
    <message>
        <source>Network camera…</source>
        <translation>Caméra réseau…</translation>
    </message>
    <message>
        <source>Mirror</source>
        <translation>Miroir</translation>
    </message>
    <message>
        <source>Turn by 90°</source>
        <translation>Tourner de 90°</translation>
    </message>
    <message>
        <source>Network camera</source>
        <translation>Caméra réseau</translation>
    </message>
    <message>
        <source>Its address, for example http://192.168.0.20:8080/video or rtsp://…</source>
        <translation>Son adresse, par exemple http://192.168.0.20:8080/video ou rtsp://…</translation>
    </message>
    <message>
        <source>{size:.0f} MB</source>
        <translation>{size:.0f}&#xa0;Mo</translation>
    </message>
    <message>
        <source>Starter (ships with Spyglass)</source>
        <translation>Modèle de départ (fourni avec Spyglass)</translation>
    </message>
    <message>
        <source>No other camera</source>
        <translation>Aucune autre caméra</translation>
    </message>
    <message>
        <source>The projector&apos;s name usually begins with mmproj.</source>
        <translation>Le nom du projecteur commence en général par mmproj.</translation>
    </message>
    <message>
        <source>Choose its projector…</source>
        <translation>Choisir son projecteur…</translation>
    </message>
    <message>
        <source>Open model file</source>
        <translation>Ouvrir un fichier de modèle</translation>
    </message>
    <message>
        <source>Open the projector (mmproj)</source>
        <translation>Ouvrir le projecteur (mmproj)</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>Tous les fichiers</translation>
    </message>
    <message>
        <source>GGUF models</source>
        <translation>Modèles GGUF</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>Progression</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Annuler</translation>
    </message>
    <message>
        <source>Close this message</source>
        <translation>Fermer ce message</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Détails</translation>
    </message>
    <message>
        <source>Part of the screen</source>
        <translation>Partie de l’écran</translation>
    </message>
    <message>
        <source>Open picture</source>
        <translation>Ouvrir une image</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>Images</translation>
    </message>
    <message>
        <source>Camera picture</source>
        <translation>Photo de la caméra</translation>
    </message>
    <message>
        <source>Stop reading</source>
        <translation>Arrêter la lecture</translation>
    </message>
    <message>
        <source>Read aloud</source>
        <translation>Lire à voix haute</translation>
    </message>
    <message>
        <source>Connect one, or use a phone as a network camera.</source>
        <translation>Branchez-en une, ou utilisez un téléphone comme caméra réseau.</translation>
    </message>
    <message>
        <source>Point the camera at something</source>
        <translation>Pointez la caméra sur quelque chose</translation>
    </message>
    <message>
        <source>Click a name to ask about it. Or write what to wait for, and be told when it comes.</source>
        <translation>Cliquez sur un nom pour poser une question. Ou écrivez ce qu’il faut attendre&#xa0;: vous serez prévenu.</translation>
    </message>
    <message>
        <source>Ask about this</source>
        <translation>Poser une question dessus</translation>
    </message>
    <message>
        <source>saving the battery</source>
        <translation>économie de batterie</translation>
    </message>
    <message>
        <source>{width} × {height}, {rate:.0f} frames/s</source>
        <translation>{width} × {height}, {rate:.0f} images/s</translation>
    </message>
    <message numerus="yes">
        <source>{n} answers in the last minute</source>
        <translation>
            <numerusform>{n} réponse dans la dernière minute</numerusform>
            <numerusform>{n} réponses dans la dernière minute</numerusform>
        </translation>
    </message>
    <message>
        <source>at work {share:.0%} of the time, {most:.0%} allowed</source>
        <translation>au travail {share:.0%} du temps, {most:.0%} permis</translation>
    </message>
    <message>
        <source>Say aloud what is found</source>
        <translation>Dire à voix haute ce qui est trouvé</translation>
    </message>
    <message>
        <source>Show figures on the picture</source>
        <translation>Afficher les chiffres sur l’image</translation>
    </message>
    <message>
        <source>{seconds:.2f} s from frame to label</source>
        <translation>{seconds:.2f} s de l’image au nom</translation>
    </message>
    <message>
        <source>{seconds:.2f} s an answer</source>
        <translation>{seconds:.2f} s par réponse</translation>
    </message>
    <message>
        <source>on battery, {share:.0%}</source>
        <translation>sur batterie, {share:.0%}</translation>
    </message>
    <message>
        <source>the processor is too hot and slows down</source>
        <translation>le processeur est trop chaud et ralentit</translation>
    </message>
    <message>
        <source>{things}, {seconds} s ago</source>
        <translation>{things}, il y a {seconds} s</translation>
    </message>
    <message>
        <source>{degrees:.0f} °C below the processor&apos;s limit</source>
        <translation>{degrees:.0f} °C sous la limite du processeur</translation>
    </message>
    <message>
        <source>{size} · {licence} · perhaps {speed} tokens/s here</source>
        <translation>{size} · {licence} · ici peut-être {speed} tokens/s</translation>
    </message>
    <message>
        <source>Videos</source>
        <translation>Vidéos</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Réglages</translation>
    </message>
    <message>
        <source>On</source>
        <translation>Activé</translation>
    </message>
    <message>
        <source>Send the question</source>
        <translation>Envoyer la question</translation>
    </message>
    <message>
        <source>New line in the question</source>
        <translation>Nouvelle ligne dans la question</translation>
    </message>
    <message>
        <source>Nothing more is known.</source>
        <translation>On n’en sait pas plus.</translation>
    </message>
    <message>
        <source>Version {version}</source>
        <translation>Version {version}</translation>
    </message>
    <message>
        <source>Ask about pictures with a model that runs on this machine. Nothing is sent anywhere.</source>
        <translation>Posez des questions sur des images, avec un modèle qui tourne sur cette machine. Rien n’est envoyé nulle part.</translation>
    </message>
    <message>
        <source>Apache License 2.0. Icons: Lucide, ISC License.</source>
        <translation>Licence Apache 2.0. Icônes&#xa0;: Lucide, licence ISC.</translation>
    </message>
    <message>
        <source>{thing} at {time}</source>
        <translation>{thing} à {time}</translation>
    </message>
    <message>
        <source>Yes, at {time} ({share:.0%} sure).</source>
        <translation>Oui, à {time} (sûr à {share:.0%}).</translation>
    </message>
    <message>
        <source>Check that the sound works, and that {program} does.</source>
        <translation>Vérifiez que le son fonctionne, et {program} aussi.</translation>
    </message>
    <message>
        <source>This could not be said aloud.</source>
        <translation>Cela n’a pas pu être dit à voix haute.</translation>
    </message>
    <message>
        <source>Picture {name}, {width} x {height} pixels</source>
        <translation>Image {name}, {width} × {height} pixels</translation>
    </message>
    <message>
        <source>Drop a picture, paste one, or start the camera</source>
        <translation>Déposez une image, collez-en une ou démarrez la caméra</translation>
    </message>
    <message>
        <source>Or try</source>
        <translation>Ou essayez</translation>
    </message>
    <message>
        <source>Sample picture: {name}</source>
        <translation>Image d’exemple&#xa0;: {name}</translation>
    </message>
    <message>
        <source>Fit the picture</source>
        <translation>Ajuster l’image</translation>
    </message>
    <message>
        <source>Fit the picture (double click)</source>
        <translation>Ajuster l’image (double clic)</translation>
    </message>
    <message>
        <source>Choose the camera</source>
        <translation>Choisir la caméra</translation>
    </message>
    <message>
        <source>Take the picture</source>
        <translation>Prendre la photo</translation>
    </message>
    <message>
        <source>Take the picture (Space)</source>
        <translation>Prendre la photo (Espace)</translation>
    </message>
    <message>
        <source>Turn the camera off</source>
        <translation>Éteindre la caméra</translation>
    </message>
    <message>
        <source>Opening the picture…</source>
        <translation>Ouverture de l’image…</translation>
    </message>
    <message>
        <source>Open…</source>
        <translation>Ouvrir…</translation>
    </message>
    <message>
        <source>Zoom out (-)</source>
        <translation>Réduire (-)</translation>
    </message>
    <message>
        <source>Zoom in (+)</source>
        <translation>Agrandir (+)</translation>
    </message>
    <message>
        <source>Live camera</source>
        <translation>Caméra en direct</translation>
    </message>
    <message>
        <source>There is no model yet.</source>
        <translation>Il n’y a pas encore de modèle.</translation>
    </message>
    <message>
        <source>Wait until it is found, or choose one above.</source>
        <translation>Attendez qu’il soit trouvé, ou choisissez-en un ci-dessus.</translation>
    </message>
    <message>
        <source>Save the translation</source>
        <translation>Enregistrer la traduction</translation>
    </message>
    <message>
        <source>Looking for text</source>
        <translation>Recherche de texte</translation>
    </message>
    <message>
        <source>Reading the text</source>
        <translation>Lecture du texte</translation>
    </message>
    <message>
        <source>Translating</source>
        <translation>Traduction</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>Texte</translation>
    </message>
    <message>
        <source>Your own words</source>
        <translation>Vos propres mots</translation>
    </message>
    <message>
        <source>How a word is to be translated, a line for each: term = word</source>
        <translation>Comment un mot doit être traduit, une ligne par mot&#xa0;: terme = mot</translation>
    </message>
    <message>
        <source>ticket office = Schalter</source>
        <translation>ticket office = Schalter</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Enregistrer</translation>
    </message>
    <message>
        <source>It cannot be saved: {reason}</source>
        <translation>Enregistrement impossible&#xa0;: {reason}</translation>
    </message>
    <message>
        <source>Point the camera at a sign, a menu or a letter.</source>
        <translation>Pointez la caméra sur un panneau, un menu ou une lettre.</translation>
    </message>
    <message>
        <source>Reading the text…</source>
        <translation>Lecture du texte…</translation>
    </message>
    <message>
        <source>There is no text in view.</source>
        <translation>Aucun texte n’est en vue.</translation>
    </message>
    <message>
        <source>Explain</source>
        <translation>Expliquer</translation>
    </message>
    <message>
        <source>Explain this text, or the words marked in it</source>
        <translation>Expliquer ce texte, ou les mots qui y sont sélectionnés</translation>
    </message>
    <message>
        <source>Detect language</source>
        <translation>Détecter la langue</translation>
    </message>
    <message>
        <source>Translate from</source>
        <translation>Traduire depuis</translation>
    </message>
    <message>
        <source>Translate into</source>
        <translation>Traduire vers</translation>
    </message>
    <message>
        <source>Show the original</source>
        <translation>Afficher l’original</translation>
    </message>
    <message>
        <source>Or hold O on the picture, or point at a line</source>
        <translation>Ou maintenez O sur l’image, ou pointez une ligne</translation>
    </message>
    <message>
        <source>Copy the translation</source>
        <translation>Copier la traduction</translation>
    </message>
    <message>
        <source>Save as picture, PDF or text</source>
        <translation>Enregistrer comme image, PDF ou texte</translation>
    </message>
    <message>
        <source>Translate again</source>
        <translation>Traduire à nouveau</translation>
    </message>
    <message>
        <source>There is no text in this picture that could be read.</source>
        <translation>Il n’y a dans cette image aucun texte qui ait pu être lu.</translation>
    </message>
    <message>
        <source>This is in {language} already.</source>
        <translation>C’est déjà dans cette langue&#xa0;: {language}.</translation>
    </message>
    <message>
        <source>Translate the answer</source>
        <translation>Traduire la réponse</translation>
    </message>
    <message>
        <source>Not looked yet</source>
        <translation>Pas encore regardé</translation>
    </message>
    <message>
        <source>Waiting for a clear picture</source>
        <translation>En attente d’une image nette</translation>
    </message>
    <message>
        <source>{seconds} s ago: {state} ({share:.0%} sure)</source>
        <translation>Il y a {seconds} s : {state} (sûr à {share:.0%})</translation>
    </message>
    <message>
        <source>Waiting for: {things}</source>
        <translation>En attente de : {things}</translation>
    </message>
    <message>
        <source>it is there</source>
        <translation>présent</translation>
    </message>
    <message>
        <source>not there</source>
        <translation>absent</translation>
    </message>
    <message>
        <source>Waiting for the camera</source>
        <translation>En attente de la caméra</translation>
    </message>
    <message>
        <source>Another model file…</source>
        <translation>Autre fichier de modèle…</translation>
    </message>
    <message>
        <source>The model that reads the picture</source>
        <translation>Le modèle qui lit l’image</translation>
    </message>
    <message>
        <source>Take the translation away</source>
        <translation>Retirer la traduction</translation>
    </message>
    <message>
        <source>Open a model that translates</source>
        <translation>Ouvrir un modèle de traduction</translation>
    </message>
    <message>
        <source>Translating back</source>
        <translation>Retraduction</translation>
    </message>
    <message>
        <source>Translated back: {text}</source>
        <translation>Retraduit : {text}</translation>
    </message>
    <message>
        <source>Check by translating back</source>
        <translation>Vérifier en retraduisant</translation>
    </message>
    <message>
        <source>Which model translates the text</source>
        <translation>Quel modèle traduit le texte</translation>
    </message>
    <message>
        <source>Look twice: the number {what} differs or is missing.</source>
        <translation>À vérifier&#xa0;: le nombre {what} diffère ou manque.</translation>
    </message>
    <message>
        <source>Look twice: the currency {what} is missing.</source>
        <translation>À vérifier&#xa0;: la monnaie {what} manque.</translation>
    </message>
    <message>
        <source>Look twice: {what} is missing.</source>
        <translation>À vérifier&#xa0;: {what} manque.</translation>
    </message>
    <message>
        <source>Look twice: the name {what} is missing.</source>
        <translation>À vérifier&#xa0;: le nom {what} manque.</translation>
    </message>
    <message>
        <source>Your own word for “{what}” was not used.</source>
        <translation>Votre propre mot pour «&#xa0;{what}&#xa0;» n’a pas été employé.</translation>
    </message>
    <message>
        <source>“{what}” was not translated.</source>
        <translation>«&#xa0;{what}&#xa0;» n’a pas été traduit.</translation>
    </message>
    <message>
        <source>Look twice: the meaning may have changed.</source>
        <translation>À vérifier : le sens a peut-être changé.</translation>
    </message>
    <message>
        <source>The text in the picture appears here, with its translation.</source>
        <translation>Le texte de l’image apparaît ici, avec sa traduction.</translation>
    </message>
    <message>
        <source>Bring a picture with text in it, or write a text below.</source>
        <translation>Apportez une image qui contient du texte, ou écrivez un texte ci-dessous.</translation>
    </message>
    <message>
        <source>Write a text to translate…</source>
        <translation>Écrivez un texte à traduire…</translation>
    </message>
    <message>
        <source>Tell me when… (for example: a bus comes)</source>
        <translation>Dites ce qu’il faut guetter… (par exemple&#xa0;: a bus comes)</translation>
    </message>
    <message>
        <source>Ask about what the camera sees…</source>
        <translation>Posez une question sur ce que voit la caméra…</translation>
    </message>
    <message>
        <source>Ask a follow-up…</source>
        <translation>Posez une autre question…</translation>
    </message>
    <message>
        <source>Ask about the picture…</source>
        <translation>Posez une question sur l’image…</translation>
    </message>
    <message>
        <source>Ask anything…</source>
        <translation>Posez une question…</translation>
    </message>
    <message>
        <source>Runs on this machine. Answers can be wrong.</source>
        <translation>En local. Les réponses peuvent être fausses.</translation>
    </message>
    <message>
        <source>The video has ended.</source>
        <translation>La vidéo est terminée.</translation>
    </message>
    <message>
        <source>Say it in at most {most} characters.</source>
        <translation>Dites-le en {most} caractères au plus.</translation>
    </message>
    <message>
        <source>This is too long to be watched for.</source>
        <translation>C’est trop long pour être guetté.</translation>
    </message>
    <message>
        <source>Earlier conversations…</source>
        <translation>Conversations précédentes…</translation>
    </message>
    <message>
        <source>Show {name}</source>
        <translation>Afficher {name}</translation>
    </message>
    <message>
        <source>Larger models…</source>
        <translation>Modèles plus grands…</translation>
    </message>
    <message>
        <source>Earlier conversations</source>
        <translation>Conversations précédentes</translation>
    </message>
    <message>
        <source>No earlier conversation is kept.</source>
        <translation>Aucune conversation précédente n’est conservée.</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Supprimer</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Ouvrir</translation>
    </message>
    <message>
        <source>{when}, shown now</source>
        <translation>{when}, affichée en ce moment</translation>
    </message>
    <message>
        <source>Needs about {needs} of memory, which is free.</source>
        <translation>Demande environ {needs} de mémoire, qui sont libres.</translation>
    </message>
    <message>
        <source>Needs about {needs} of memory; only {free} are free.</source>
        <translation>Demande environ {needs} de mémoire ; seuls {free} sont libres.</translation>
    </message>
    <message>
        <source>Its page</source>
        <translation>Sa page</translation>
    </message>
    <message>
        <source>Larger models</source>
        <translation>Modèles plus grands</translation>
    </message>
    <message>
        <source>Choose a file…</source>
        <translation>Choisir un fichier…</translation>
    </message>
    <message>
        <source>The page of {name} in the browser</source>
        <translation>La page de {name} dans le navigateur</translation>
    </message>
    <message>
        <source>To be converted after it is fetched: {command}</source>
        <translation>À convertir une fois téléchargé : {command}</translation>
    </message>
    <message>
        <source>Models folder</source>
        <translation>Dossier des modèles</translation>
    </message>
    <message>
        <source>The folder {name} cannot be made.</source>
        <translation>Le dossier {name} ne peut pas être créé.</translation>
    </message>
    <message>
        <source>Check the disk and its permissions.</source>
        <translation>Vérifiez le disque et ses droits.</translation>
    </message>
    <message>
        <source>There is not enough memory left for the model that translates.</source>
        <translation>Il ne reste pas assez de mémoire pour le modèle qui traduit.</translation>
    </message>
    <message>
        <source>Choose a smaller one to translate with, or let the model that reads pictures translate too.</source>
        <translation>Choisissez-en un plus petit pour traduire, ou laissez traduire aussi le modèle qui lit les images.</translation>
    </message>
    <message>
        <source>Choose another model to translate with, or let the model that reads pictures translate too.</source>
        <translation>Choisissez un autre modèle pour traduire, ou laissez traduire aussi le modèle qui lit les images.</translation>
    </message>
    <message>
        <source>The starter is small and often wrong. It was taught drawings, not photographs, and only English.</source>
        <translation>Le modèle de départ est petit et se trompe souvent. Il a appris des dessins, pas des photos, et seulement l’anglais.</translation>
    </message>
    <message>
        <source>The conversation as it was is among the earlier ones.</source>
        <translation>La conversation telle qu’elle était est parmi les précédentes.</translation>
    </message>
    <message>
        <source>This is a new conversation. The one before is among the earlier ones.</source>
        <translation>Ceci est une nouvelle conversation. La précédente est parmi les conversations précédentes.</translation>
    </message>
    <message>
        <source>Use the starter for now</source>
        <translation>Utiliser le modèle de départ pour l’instant</translation>
    </message>
    <message>
        <source>Picture {name} is on the stage</source>
        <translation>L’image {name} est sur la scène</translation>
    </message>
    <message>
        <source>Which bar is the highest?</source>
        <translation>Quelle barre est la plus haute ?</translation>
    </message>
    <message>
        <source>What colour are the balloons?</source>
        <translation>De quelle couleur sont les ballons ?</translation>
    </message>
    <message>
        <source>Save conversation…</source>
        <translation>Enregistrer la conversation…</translation>
    </message>
    <message>
        <source>Go to a name on the picture, to the next, ask about it (stage)</source>
        <translation>Aller à un nom sur l’image, au suivant, poser une question dessus (scène)</translation>
    </message>
    <message>
        <source>You asked, with several pictures: {question}</source>
        <translation>Votre question, avec plusieurs images&#xa0;: {question}</translation>
    </message>
    <message>
        <source>Saved by Spyglass, {date}. Answers can be wrong.</source>
        <translation>Enregistré par Spyglass, {date}. Les réponses peuvent être fausses.</translation>
    </message>
    <message>
        <source>{bad} of {number} files could not be opened.</source>
        <translation>{bad} fichiers sur {number} n’ont pas pu être ouverts.</translation>
    </message>
    <message>
        <source>The details say why.</source>
        <translation>Les détails disent pourquoi.</translation>
    </message>
    <message>
        <source>Only the first {most} of {number} pictures were opened: no more go with one question.</source>
        <translation>Seules les {most} premières des {number} images ont été ouvertes&#xa0;: une question n’en accepte pas plus.</translation>
    </message>
    <message>
        <source>These words were said in no earlier conversation.</source>
        <translation>Ces mots ne figurent dans aucune conversation antérieure.</translation>
    </message>
    <message>
        <source>Play again</source>
        <translation>Relire la vidéo</translation>
    </message>
    <message>
        <source>Find in questions and answers</source>
        <translation>Chercher dans les questions et les réponses</translation>
    </message>
    <message>
        <source>Deleted: {title}</source>
        <translation>Supprimée&#xa0;: {title}</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Annuler la suppression</translation>
    </message>
    <message>
        <source>{mode} goes on waiting for it when you are back: {things}</source>
        <translation>{mode} continue de l’attendre dès votre retour : {things}</translation>
    </message>
    <message>
        <source>Try again later; what has been fetched is kept.</source>
        <translation>Réessayez plus tard ; ce qui a été téléchargé est conservé.</translation>
    </message>
    <message>
        <source>The connection broke off again and again.</source>
        <translation>La connexion s’est interrompue à plusieurs reprises.</translation>
    </message>
    <message>
        <source>The page of {name} does not list the files that were expected.</source>
        <translation>La page de {name} n’indique pas les fichiers attendus.</translation>
    </message>
    <message>
        <source>Get it from its page.</source>
        <translation>Récupérez-le sur sa page.</translation>
    </message>
    <message>
        <source>{name} could not be written.</source>
        <translation>{name} n’a pas pu être écrit.</translation>
    </message>
    <message>
        <source>Check the disk and its permissions; what has been fetched is kept.</source>
        <translation>Vérifiez le disque et ses autorisations ; ce qui a été téléchargé est conservé.</translation>
    </message>
    <message>
        <source>{name} needs {wanted} more on the disk, and {free} are free.</source>
        <translation>{name} a besoin de {wanted} de plus sur le disque ; {free} sont libres.</translation>
    </message>
    <message>
        <source>Make room, or choose a smaller model.</source>
        <translation>Libérez de la place, ou choisissez un modèle plus petit.</translation>
    </message>
    <message>
        <source>This model is only given to those who sign in.</source>
        <translation>Ce modèle n’est donné qu’aux personnes connectées.</translation>
    </message>
    <message>
        <source>This model is no longer where it was.</source>
        <translation>Ce modèle n’est plus là où il était.</translation>
    </message>
    <message>
        <source>Get it from its page, or choose another.</source>
        <translation>Récupérez-le sur sa page, ou choisissez-en un autre.</translation>
    </message>
    <message>
        <source>Check the clock, and that the system&apos;s certificates are installed (ca-certificates).</source>
        <translation>Vérifiez l’horloge, et que les certificats du système sont installés (ca-certificates).</translation>
    </message>
    <message>
        <source>The site could not prove who it is.</source>
        <translation>Le site n’a pas pu prouver son identité.</translation>
    </message>
    <message>
        <source>Check the network and try again; what has been fetched is kept.</source>
        <translation>Vérifiez le réseau et réessayez ; ce qui a été téléchargé est conservé.</translation>
    </message>
    <message>
        <source>There is no connection to the site that has the model.</source>
        <translation>Il n’y a pas de connexion au site qui contient le modèle.</translation>
    </message>
    <message>
        <source>What came of {name} is damaged.</source>
        <translation>Ce qui est arrivé de {name} est endommagé.</translation>
    </message>
    <message>
        <source>Fetch it again.</source>
        <translation>Téléchargez-le de nouveau.</translation>
    </message>
    <message>
        <source>A model is being fetched. Nothing else goes over the network.</source>
        <translation>Un modèle est en cours de téléchargement. Rien d’autre ne passe par le réseau.</translation>
    </message>
    <message>
        <source>Fetching {share:.0%}</source>
        <translation>Téléchargement {share:.0%}</translation>
    </message>
    <message>
        <source>perhaps there</source>
        <translation>peut-être présent</translation>
    </message>
    <message>
        <source>{name} is here.</source>
        <translation>{name} est arrivé.</translation>
    </message>
    <message>
        <source>Use it</source>
        <translation>L’utiliser</translation>
    </message>
    <message>
        <source>“Get” fetches a model from its page on Hugging Face; its licence holds for you. Nothing else is fetched or sent. Or put a model of your own and its projector (mmproj) into one folder, and choose the model&apos;s file here.</source>
        <translation>« Télécharger » récupère un modèle sur sa page chez Hugging Face ; sa licence s’applique à vous. Rien d’autre n’est téléchargé ni envoyé. Ou mettez votre propre modèle et son projecteur (mmproj) dans un même dossier, et choisissez ici le fichier du modèle.</translation>
    </message>
    <message>
        <source>{came} of {whole}, about {minutes} min left</source>
        <translation>{came} sur {whole}, encore {minutes} min environ</translation>
    </message>
    <message>
        <source>Asking for it…</source>
        <translation>Demande en cours…</translation>
    </message>
    <message>
        <source>{came} of {whole}</source>
        <translation>{came} sur {whole}</translation>
    </message>
    <message>
        <source>{came} of {whole}, less than a minute left</source>
        <translation>{came} sur {whole}, moins d’une minute restante</translation>
    </message>
    <message>
        <source>Get</source>
        <translation>Télécharger</translation>
    </message>
    <message>
        <source>Get {name}</source>
        <translation>Télécharger {name}</translation>
    </message>
    <message>
        <source>Stop fetching {name}</source>
        <translation>Arrêter le téléchargement de {name}</translation>
    </message>
    <message>
        <source>Use {name}</source>
        <translation>Utiliser {name}</translation>
    </message>
    <message>
        <source>Show it again</source>
        <translation>La réafficher</translation>
    </message>
    <message>
        <source>Copy the picture itself and paste it here, or save it to a file and open that.</source>
        <translation>Copiez l’image elle-même et collez-la ici, ou enregistrez-la dans un fichier et ouvrez-le.</translation>
    </message>
    <message>
        <source>There is nothing to paste.</source>
        <translation>Il n’y a rien à coller.</translation>
    </message>
    <message>
        <source>Copy a picture, a file or a text first.</source>
        <translation>Copiez d’abord une image, un fichier ou un texte.</translation>
    </message>
    <message>
        <source>What is this?</source>
        <translation>Qu’est-ce que c’est ?</translation>
    </message>
    <message>
        <source>Save it in another folder or by another name.</source>
        <translation>Enregistrez-la dans un autre dossier ou sous un autre nom.</translation>
    </message>
    <message>
        <source>{name} could not be saved: nothing may be written to that folder.</source>
        <translation>Impossible d’enregistrer {name} : l’écriture dans ce dossier n’est pas permise.</translation>
    </message>
    <message>
        <source>Save it in another folder.</source>
        <translation>Enregistrez-la dans un autre dossier.</translation>
    </message>
    <message>
        <source>{name} could not be saved: the disk is full.</source>
        <translation>Impossible d’enregistrer {name} : le disque est plein.</translation>
    </message>
    <message>
        <source>Make room on the disk, or save it on another one.</source>
        <translation>Libérez de l’espace sur le disque, ou enregistrez-la sur un autre.</translation>
    </message>
    <message>
        <source>Save conversation</source>
        <translation>Enregistrer la conversation</translation>
    </message>
    <message>
        <source>Web page</source>
        <translation>Page web</translation>
    </message>
    <message>
        <source>The defaults hold again. Your models and languages, and what is kept on disk, stay as they are.</source>
        <translation>Les valeurs par défaut sont rétablies. Vos modèles, vos langues et ce qui est conservé sur le disque restent inchangés.</translation>
    </message>
    <message>
        <source>The settings are as they were.</source>
        <translation>Les réglages sont de nouveau comme avant.</translation>
    </message>
    <message>
        <source>Reset to defaults</source>
        <translation>Rétablir les valeurs par défaut</translation>
    </message>
    <message>
        <source>Discard changes</source>
        <translation>Abandonner les modifications</translation>
    </message>
    <message>
        <source>Copy the text that was read</source>
        <translation>Copier le texte lu</translation>
    </message>
    <message>
        <source>Swap the languages</source>
        <translation>Inverser les langues</translation>
    </message>
    <message>
        <source>Original</source>
        <translation>Original</translation>
    </message>
    <message>
        <source>The text was not read to its end.</source>
        <translation>Le texte n’a pas été lu jusqu’au bout.</translation>
    </message>
    <message>
        <source>The text was not translated to its end.</source>
        <translation>Le texte n’a pas été traduit jusqu’au bout.</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>Copié</translation>
    </message>
    <message>
        <source>{what} Of {number} files only the first {most} were tried: no more go with one question.</source>
        <translation>{what} Seuls les {most} premiers des {number} fichiers ont été essayés&#xa0;: une question n’en accepte pas plus.</translation>
    </message>
    <message>
        <source>No more than {most} pictures go with one question.</source>
        <translation>Une question n’accepte pas plus de {most} images.</translation>
    </message>
    <message>
        <source>Remove one of them, or send the question first.</source>
        <translation>Retirez-en une, ou envoyez d’abord la question.</translation>
    </message>
    <message>
        <source>The starter was taught English only.</source>
        <translation>Le modèle de départ n’a appris que l’anglais.</translation>
    </message>
    <message>
        <source>Ask in English, or choose a larger model.</source>
        <translation>Posez la question en anglais, ou choisissez un modèle plus grand.</translation>
    </message>
    <message>
        <source>This system has no program that speaks.</source>
        <translation>Ce système n’a aucun programme qui parle.</translation>
    </message>
    <message>
        <source>Install speech-dispatcher or espeak-ng.</source>
        <translation>Installez speech-dispatcher ou espeak-ng.</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modèle</translation>
    </message>
    <message>
        <source>A model&apos;s name, or the path of its GGUF file.</source>
        <translation>Le nom d’un modèle, ou le chemin de son fichier GGUF.</translation>
    </message>
    <message>
        <source>Projector</source>
        <translation>Projecteur</translation>
    </message>
    <message>
        <source>The path of the projector (mmproj) file; empty: the one that lies beside the model.</source>
        <translation>Le chemin du fichier du projecteur (mmproj)&#xa0;; vide&#xa0;: celui qui est à côté du modèle.</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>Moteur</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>Contexte</translation>
    </message>
    <message>
        <source>Tokens of conversation and pictures the model keeps in view; 0: as many as fit, up to the model&apos;s default.</source>
        <translation>Jetons de conversation et d’images que le modèle garde en vue&#xa0;; 0&#xa0;: autant que possible, jusqu’à la valeur du modèle.</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>jetons</translation>
    </message>
    <message>
        <source>KV cache</source>
        <translation>Cache KV</translation>
    </message>
    <message>
        <source>How keys and values are stored; 8 bits take half the memory and lose a little precision.</source>
        <translation>Comment clés et valeurs sont stockées&#xa0;; 8 bits prennent deux fois moins de mémoire et perdent un peu de précision.</translation>
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
        <translation>Attention sans toute la matrice des scores en mémoire.</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatique</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>Désactivé</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>Fils d’exécution</translation>
    </message>
    <message>
        <source>Processor threads; 0: chosen from the machine.</source>
        <translation>Fils d’exécution du processeur&#xa0;; 0&#xa0;: choisis d’après la machine.</translation>
    </message>
    <message>
        <source>Layers on the GPU</source>
        <translation>Couches sur le GPU</translation>
    </message>
    <message>
        <source>-1: as many as fit if there is a GPU; 0: none.</source>
        <translation>-1&#xa0;: autant que possible s’il y a un GPU&#xa0;; 0&#xa0;: aucune.</translation>
    </message>
    <message>
        <source>Vision tower</source>
        <translation>Tour de vision</translation>
    </message>
    <message>
        <source>Llama 3.2 Vision only: fast leaves a picture&apos;s missing tiles out, which is quicker and slightly different.</source>
        <translation>Llama 3.2 Vision seulement&#xa0;: «&#xa0;Rapide&#xa0;» omet les tuiles manquantes d’une image, ce qui va plus vite et change un peu le résultat.</translation>
    </message>
    <message>
        <source>Exact</source>
        <translation>Exacte</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>Rapide</translation>
    </message>
    <message>
        <source>Memory limit</source>
        <translation>Limite de mémoire</translation>
    </message>
    <message>
        <source>Memory the engine process may take before it is ended; 0: no limit of its own.</source>
        <translation>Mémoire que le moteur peut prendre avant d’être arrêté&#xa0;; 0&#xa0;: pas de limite propre.</translation>
    </message>
    <message>
        <source>MiB</source>
        <translation>Mio</translation>
    </message>
    <message>
        <source>Picture cache in memory</source>
        <translation>Cache d’images en mémoire</translation>
    </message>
    <message>
        <source>Pictures looked at are remembered, so that a second question need not look again.</source>
        <translation>Les images regardées sont retenues, pour qu’une deuxième question n’oblige pas à les regarder à nouveau.</translation>
    </message>
    <message>
        <source>Picture cache on disk</source>
        <translation>Cache d’images sur disque</translation>
    </message>
    <message>
        <source>The same between two starts of the program; 0: pictures leave no trace on disk.</source>
        <translation>De même entre deux démarrages du programme&#xa0;; 0&#xa0;: les images ne laissent aucune trace sur le disque.</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>Réponses</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>Température</translation>
    </message>
    <message>
        <source>0: always the likeliest word, so the same question gets the same answer; higher: more varied.</source>
        <translation>0&#xa0;: toujours le mot le plus probable, donc la même réponse à la même question&#xa0;; plus haut&#xa0;: plus varié.</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Only the likeliest words that together have this probability; 1: all. Needs a temperature above 0.</source>
        <translation>Seulement les mots les plus probables qui ont ensemble cette probabilité&#xa0;; 1&#xa0;: tous. Demande une température supérieure à 0.</translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation>Min-p</translation>
    </message>
    <message>
        <source>Only words at least this likely relative to the likeliest; 0: all. Needs a temperature above 0.</source>
        <translation>Seulement les mots au moins aussi probables, par rapport au plus probable&#xa0;; 0&#xa0;: tous. Demande une température supérieure à 0.</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>Graine</translation>
    </message>
    <message>
        <source>The same seed gives the same answer again; 0: another one each time. Needs a temperature above 0.</source>
        <translation>La même graine redonne la même réponse&#xa0;; 0&#xa0;: une autre à chaque fois. Demande une température supérieure à 0.</translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation>Réponse la plus longue</translation>
    </message>
    <message>
        <source>An answer ends here at the latest.</source>
        <translation>Une réponse se termine ici au plus tard.</translation>
    </message>
    <message>
        <source>Conversations on disk</source>
        <translation>Conversations sur le disque</translation>
    </message>
    <message>
        <source>Conversations and their pictures are kept on this machine; the oldest go when this is full. 0: none is kept.</source>
        <translation>Les conversations et leurs images restent sur cette machine ; les plus anciennes partent quand la place manque. 0 : aucune n’est conservée.</translation>
    </message>
    <message>
        <source>The code of a language, such as fr. Translate keeps the one chosen last here. Empty: your own.</source>
        <translation>Le code d’une langue, comme fr. Traduire y garde la dernière choisie. Vide : la vôtre.</translation>
    </message>
    <message>
        <source>Translator</source>
        <translation>Traducteur</translation>
    </message>
    <message>
        <source>Another model for the text, by name or path; it need not see. Empty: the one that reads the picture.</source>
        <translation>Un autre modèle pour le texte, par nom ou chemin&#xa0;; il n’a pas besoin de voir. Vide&#xa0;: celui qui lit l’image.</translation>
    </message>
    <message>
        <source>Every translation is translated back, to show where the meaning may have changed. Takes twice as long.</source>
        <translation>Chaque traduction est retraduite pour montrer où le sens a pu changer. Prend deux fois plus de temps.</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>Fenêtre</translation>
    </message>
    <message>
        <source>Send with</source>
        <translation>Envoyer avec</translation>
    </message>
    <message>
        <source>The other one begins a new line.</source>
        <translation>L’autre touche commence une nouvelle ligne.</translation>
    </message>
    <message>
        <source>Enter</source>
        <translation>Entrée</translation>
    </message>
    <message>
        <source>Ctrl+Enter</source>
        <translation>Ctrl+Entrée</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>Thème</translation>
    </message>
    <message>
        <source>Light, dark, or as the system says.</source>
        <translation>Clair, sombre, ou comme le système.</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>Comme le système</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Clair</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Sombre</translation>
    </message>
    <message>
        <source>Resolution</source>
        <translation>Résolution</translation>
    </message>
    <message>
        <source>What the camera is asked for; it takes what comes nearest.</source>
        <translation>Ce qui est demandé à la caméra&#xa0;; elle prend ce qui s’en approche le plus.</translation>
    </message>
    <message>
        <source>Frames a second</source>
        <translation>Images par seconde</translation>
    </message>
    <message>
        <source>Fewer keep the machine cooler.</source>
        <translation>Moins gardent la machine plus fraîche.</translation>
    </message>
    <message>
        <source>Speak</source>
        <translation>Parler</translation>
    </message>
    <message>
        <source>Hints such as “hold still”, the names that are found and what was watched for are said aloud.</source>
        <translation>Les conseils comme «&#xa0;Ne bougez plus&#xa0;», les noms trouvés et ce qui était guetté sont dits à voix haute.</translation>
    </message>
    <message>
        <source>Show figures</source>
        <translation>Afficher les chiffres</translation>
    </message>
    <message>
        <source>How fast the camera and the model are, and why frames were left out, in a corner of the live picture.</source>
        <translation>La vitesse de la caméra et du modèle, et pourquoi des images ont été omises, dans un coin de l’image en direct.</translation>
    </message>
    <message>
        <source>Keep what was watched for</source>
        <translation>Garder ce qui était guetté</translation>
    </message>
    <message>
        <source>A picture of it goes into the conversation, with the time.</source>
        <translation>Une image en est ajoutée à la conversation, avec l’heure.</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>Langue</translation>
    </message>
    <message>
        <source>The language of menus and messages.</source>
        <translation>La langue des menus et des messages.</translation>
    </message>
</context>
</TS>
