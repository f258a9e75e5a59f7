<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="ar" sourcelanguage="en">
<context>
    <name>Region</name>
    <message>
        <source>Draw a rectangle around the part of the screen; Escape to give up</source>
        <translation>ارسم مستطيلًا حول الجزء المطلوب من الشاشة؛ مفتاح Esc للإلغاء</translation>
    </message>
</context>
<context>
    <name>Wording</name>
    <message>
        <source>The camera sends something that is not a picture.</source>
        <translation>ترسل الكاميرا شيئًا ليس صورة.</translation>
    </message>
    <message>
        <source>Use another camera.</source>
        <translation>استخدم كاميرا أخرى.</translation>
    </message>
    <message>
        <source>Opening the camera</source>
        <translation>جارٍ فتح الكاميرا</translation>
    </message>
    <message>
        <source>The camera has sent no picture for {seconds} seconds.</source>
        <translation>لم ترسل الكاميرا أي صورة منذ {seconds} من الثواني.</translation>
    </message>
    <message>
        <source>Check its cable or its network.</source>
        <translation>تحقق من كابلها أو من شبكتها.</translation>
    </message>
    <message>
        <source>The camera cannot be read.</source>
        <translation>تتعذر قراءة الكاميرا.</translation>
    </message>
    <message>
        <source>Unplug it and plug it in again.</source>
        <translation>افصلها ثم صِلها من جديد.</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>مباشر</translation>
    </message>
    <message>
        <source>The camera is off</source>
        <translation>الكاميرا متوقفة</translation>
    </message>
    <message>
        <source>The video has ended</source>
        <translation>انتهى الفيديو</translation>
    </message>
    <message>
        <source>Opening the camera again</source>
        <translation>جارٍ فتح الكاميرا من جديد</translation>
    </message>
    <message>
        <source>There is nothing to save yet.</source>
        <translation>لا يوجد ما يُحفظ بعد.</translation>
    </message>
    <message>
        <source>Wait until the camera shows a picture.</source>
        <translation>انتظر حتى تعرض الكاميرا صورة.</translation>
    </message>
    <message>
        <source>The clip could not be saved.</source>
        <translation>تعذر حفظ المقطع.</translation>
    </message>
    <message>
        <source>Check that the folder can be written.</source>
        <translation>تحقق من إمكان الكتابة في المجلد.</translation>
    </message>
    <message>
        <source>Open a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP, JPEG 2000 or PPM picture.</source>
        <translation>افتح صورة بصيغة JPEG أو PNG أو WebP أو HEIC أو AVIF أو GIF أو TIFF أو BMP أو JPEG 2000 أو PPM.</translation>
    </message>
    <message>
        <source>{name} is not a picture that Spyglass can read.</source>
        <translation>{name} ليس صورة يستطيع Spyglass قراءتها.</translation>
    </message>
    <message>
        <source>Spyglass does not fetch pictures from addresses.</source>
        <translation>لا يجلب Spyglass الصور من العناوين.</translation>
    </message>
    <message>
        <source>Save the picture to a file and open that.</source>
        <translation>احفظ الصورة في ملف ثم افتحه.</translation>
    </message>
    <message>
        <source>Choose another picture.</source>
        <translation>اختر صورة أخرى.</translation>
    </message>
    <message>
        <source>Save the picture smaller.</source>
        <translation>احفظ الصورة بحجم أصغر.</translation>
    </message>
    <message>
        <source>Choose a picture inside it.</source>
        <translation>اختر صورة بداخله.</translation>
    </message>
    <message>
        <source>Choose a picture file.</source>
        <translation>اختر ملف صورة.</translation>
    </message>
    <message>
        <source>{name} is an SVG drawing, which has no pixels.</source>
        <translation>{name} رسم SVG، وهو بلا بكسلات.</translation>
    </message>
    <message>
        <source>{name} is a PDF document.</source>
        <translation>{name} مستند PDF.</translation>
    </message>
    <message>
        <source>{name} has {width} x {height} = {millions:.0f} million pixels; {most:.0f} are the most.</source>
        <translation>في {name} عدد {width} × {height} = {millions:.0f} مليون بكسل؛ والحد الأقصى {most:.0f}.</translation>
    </message>
    <message>
        <source>Check its name and folder.</source>
        <translation>تحقق من اسمه ومجلده.</translation>
    </message>
    <message>
        <source>Change its permissions or copy it.</source>
        <translation>غيّر أذوناته أو انسخه.</translation>
    </message>
    <message>
        <source>Check the path and the disk.</source>
        <translation>تحقق من المسار ومن القرص.</translation>
    </message>
    <message>
        <source>{name} is empty.</source>
        <translation>{name} فارغ.</translation>
    </message>
    <message>
        <source>{name} has more than {size} MiB.</source>
        <translation>حجم {name} أكبر من {size} MiB.</translation>
    </message>
    <message>
        <source>Get it again, or save it anew in another program.</source>
        <translation>احصل عليها من جديد، أو احفظها من جديد في برنامج آخر.</translation>
    </message>
    <message>
        <source>{name} is a folder.</source>
        <translation>{name} مجلد.</translation>
    </message>
    <message>
        <source>{name} is a pipe or a device, not a file.</source>
        <translation>{name} أنبوب أو جهاز وليس ملفًا.</translation>
    </message>
    <message>
        <source>Open it in another program and save it there as a PNG picture.</source>
        <translation>افتحه في برنامج آخر واحفظه منه صورةً بصيغة PNG.</translation>
    </message>
    <message>
        <source>Open it in another program and save the page there as a PNG picture.</source>
        <translation>افتحه في برنامج آخر واحفظ الصفحة منه صورةً بصيغة PNG.</translation>
    </message>
    <message>
        <source>There is no file {name}.</source>
        <translation>لا يوجد ملف {name}.</translation>
    </message>
    <message>
        <source>You may not read {name}.</source>
        <translation>لا يحق لك قراءة {name}.</translation>
    </message>
    <message>
        <source>{name} cannot be read.</source>
        <translation>تتعذر قراءة {name}.</translation>
    </message>
    <message>
        <source>{name} is damaged or cut short.</source>
        <translation>{name} تالف أو مقطوع.</translation>
    </message>
    <message>
        <source>The camera shows only black. Is it covered?</source>
        <translation>لا تعرض الكاميرا إلا السواد. هل هي مغطاة؟</translation>
    </message>
    <message>
        <source>It is too dark.</source>
        <translation>الإضاءة ضعيفة جدًا.</translation>
    </message>
    <message>
        <source>It is too bright.</source>
        <translation>الإضاءة قوية جدًا.</translation>
    </message>
    <message>
        <source>Out of focus. Hold still, or move back a little.</source>
        <translation>الصورة غير واضحة. اثبت، أو تراجع قليلًا.</translation>
    </message>
    <message>
        <source>Hold still.</source>
        <translation>اثبت.</translation>
    </message>
    <message>
        <source>Nothing has changed.</source>
        <translation>لم يتغير شيء.</translation>
    </message>
    <message>
        <source>This desktop lets no program look at the screen by itself.</source>
        <translation>لا يسمح سطح المكتب هذا لأي برنامج بالنظر إلى الشاشة من تلقاء نفسه.</translation>
    </message>
    <message>
        <source>Take a screenshot with the desktop&apos;s own key and paste it here.</source>
        <translation>التقط صورة للشاشة بمفتاح سطح المكتب والصقها هنا.</translation>
    </message>
    <message>
        <source>The screen cannot be seen.</source>
        <translation>تتعذر رؤية الشاشة.</translation>
    </message>
    <message>
        <source>Take a screenshot and paste it here.</source>
        <translation>التقط صورة للشاشة والصقها هنا.</translation>
    </message>
    <message>
        <source>Check the name, or name a camera instead.</source>
        <translation>تحقق من الاسم، أو حدد كاميرا بدلًا منه.</translation>
    </message>
    <message>
        <source>There is no file or folder &quot;{name}&quot;.</source>
        <translation>لا يوجد ملف أو مجلد «{name}».</translation>
    </message>
    <message>
        <source>Close other programs that use the camera, or unplug it and plug it in again.</source>
        <translation>أغلق البرامج الأخرى التي تستخدم الكاميرا، أو افصلها ثم صِلها من جديد.</translation>
    </message>
    <message>
        <source>Add your account to the group &quot;video&quot; and log in again.</source>
        <translation>أضف حسابك إلى المجموعة «video» ثم سجّل الدخول من جديد.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; stopped delivering.</source>
        <translation>توقفت الكاميرا «{name}» عن إرسال الصور.</translation>
    </message>
    <message>
        <source>Check its cable, or plug it in again.</source>
        <translation>تحقق من كابلها، أو صِلها من جديد.</translation>
    </message>
    <message>
        <source>No camera was found.</source>
        <translation>لم يُعثر على كاميرا.</translation>
    </message>
    <message>
        <source>Plug one in, or give a video file or the address of a network camera.</source>
        <translation>صِل كاميرا، أو حدد ملف فيديو أو عنوان كاميرا على الشبكة.</translation>
    </message>
    <message>
        <source>There is no camera called &quot;{name}&quot;.</source>
        <translation>لا توجد كاميرا باسم «{name}».</translation>
    </message>
    <message>
        <source>Plug it in, or use one of these: {names}.</source>
        <translation>صِلها، أو استخدم واحدة من هذه: {names}.</translation>
    </message>
    <message>
        <source>Plug it in.</source>
        <translation>صِلها.</translation>
    </message>
    <message>
        <source>Allow it under Settings, Privacy &amp; security, Camera.</source>
        <translation>اسمح بذلك في الإعدادات، الخصوصية والأمان، الكاميرا.</translation>
    </message>
    <message>
        <source>Allow it under System Settings, Privacy &amp; Security, Camera.</source>
        <translation>اسمح بذلك في إعدادات النظام، الخصوصية والأمن، الكاميرا.</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; could not be opened.</source>
        <translation>تعذر فتح الكاميرا «{name}».</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; is not there.</source>
        <translation>الكاميرا «{name}» غير موجودة.</translation>
    </message>
    <message>
        <source>This account may not use the camera &quot;{name}&quot;.</source>
        <translation>لا يحق لهذا الحساب استخدام الكاميرا «{name}».</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; was unplugged.</source>
        <translation>فُصلت الكاميرا «{name}».</translation>
    </message>
    <message>
        <source>Plug it in again.</source>
        <translation>صِلها من جديد.</translation>
    </message>
    <message>
        <source>{one} {other}</source>
        <translation>{one} {other}</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; is busy.</source>
        <translation>الكاميرا «{name}» مشغولة.</translation>
    </message>
    <message>
        <source>Take it out of the folder.</source>
        <translation>أخرجها من المجلد.</translation>
    </message>
    <message>
        <source>Try another file.</source>
        <translation>جرّب ملفًا آخر.</translation>
    </message>
    <message>
        <source>Choose a folder of JPEG or PNG files.</source>
        <translation>اختر مجلدًا فيه ملفات JPEG أو PNG.</translation>
    </message>
    <message>
        <source>&quot;{name}&quot; is not a picture that can be read.</source>
        <translation>«{name}» ليس صورة يمكن قراءتها.</translation>
    </message>
    <message>
        <source>&quot;{name}&quot; is not a video that can be read.</source>
        <translation>«{name}» ليس فيديو يمكن قراءته.</translation>
    </message>
    <message>
        <source>There is no picture in &quot;{name}&quot;.</source>
        <translation>لا توجد صورة في «{name}».</translation>
    </message>
    <message>
        <source>Give an address that starts with rtsp:// or http://.</source>
        <translation>حدد عنوانًا يبدأ بـ rtsp:// أو http://.</translation>
    </message>
    <message>
        <source>The address of the stream names no machine.</source>
        <translation>لا يذكر عنوان البث أي جهاز.</translation>
    </message>
    <message>
        <source>Write it like http://192.168.0.20:8080/video.</source>
        <translation>اكتبه هكذا: http://192.168.0.20:8080/video.</translation>
    </message>
    <message>
        <source>The stream from {host} broke off.</source>
        <translation>انقطع البث من {host}.</translation>
    </message>
    <message>
        <source>Check that the camera is on and in reach.</source>
        <translation>تحقق من أن الكاميرا تعمل ويمكن الوصول إليها.</translation>
    </message>
    <message>
        <source>Write the address like http://name:password@host/.</source>
        <translation>اكتب العنوان هكذا: http://name:password@host/.</translation>
    </message>
    <message>
        <source>Spyglass cannot read &quot;{scheme}&quot; streams.</source>
        <translation>لا يستطيع Spyglass قراءة بث «{scheme}».</translation>
    </message>
    <message>
        <source>Check the address, and that the camera is on and in the same network.</source>
        <translation>تحقق من العنوان، ومن أن الكاميرا تعمل وعلى الشبكة نفسها.</translation>
    </message>
    <message>
        <source>The camera at {host} wants a password.</source>
        <translation>تطلب الكاميرا على {host} كلمة مرور.</translation>
    </message>
    <message>
        <source>Nothing that is a video answers at {host}.</source>
        <translation>لا يجيب على {host} أي فيديو.</translation>
    </message>
    <message>
        <source>What is typed could not be saved.</source>
        <translation>تعذّر حفظ ما كُتب.</translation>
    </message>
    <message>
        <source>The conversation could not be saved; it is there until the program ends.</source>
        <translation>تعذّر حفظ المحادثة؛ ستبقى حتى ينتهي البرنامج.</translation>
    </message>
    <message>
        <source>Check the disk and the permissions of the folder for conversations.</source>
        <translation>تحقّق من القرص ومن أذونات مجلد المحادثات.</translation>
    </message>
    <message>
        <source>This conversation cannot be read.</source>
        <translation>لا يمكن قراءة هذه المحادثة.</translation>
    </message>
    <message>
        <source>Choose another one, or begin a new one.</source>
        <translation>اختر محادثة أخرى، أو ابدأ محادثة جديدة.</translation>
    </message>
    <message>
        <source>The conversation could not be deleted.</source>
        <translation>تعذّر حذف المحادثة.</translation>
    </message>
    <message>
        <source>Check the permissions of the folder for conversations.</source>
        <translation>تحقّق من أذونات مجلد المحادثات.</translation>
    </message>
    <message>
        <source>The model computes nonsense instead of an answer.</source>
        <translation>يحسب النموذج كلامًا بلا معنى بدلًا من إجابة.</translation>
    </message>
    <message>
        <source>Its file may be damaged: download or convert it again.</source>
        <translation>قد يكون ملفه تالفًا: نزّله أو حوّله من جديد.</translation>
    </message>
    <message>
        <source>The engine ran out of memory.</source>
        <translation>نفدت ذاكرة المحرك.</translation>
    </message>
    <message>
        <source>Choose a smaller model, a shorter context or a smaller picture.</source>
        <translation>اختر نموذجًا أصغر أو سياقًا أقصر أو صورة أصغر.</translation>
    </message>
    <message>
        <source>The engine made an internal error.</source>
        <translation>وقع خطأ داخلي في المحرك.</translation>
    </message>
    <message>
        <source>Ask again; if it happens again, please report it with the details.</source>
        <translation>اسأل من جديد؛ وإذا تكرر ذلك فأبلغ عنه مع التفاصيل.</translation>
    </message>
    <message>
        <source>The engine has been closed.</source>
        <translation>أُغلق المحرك.</translation>
    </message>
    <message>
        <source>Start Spyglass again.</source>
        <translation>شغّل Spyglass من جديد.</translation>
    </message>
    <message>
        <source>The question cannot be handed to the engine.</source>
        <translation>يتعذر تسليم السؤال إلى المحرك.</translation>
    </message>
    <message>
        <source>Ask with smaller pictures or in a new conversation.</source>
        <translation>اسأل بصور أصغر أو في محادثة جديدة.</translation>
    </message>
    <message>
        <source>The engine&apos;s client failed.</source>
        <translation>تعطل الاتصال بالمحرك.</translation>
    </message>
    <message>
        <source>Ask again; if it happens again with this model, its file may be damaged or too new: try another model.</source>
        <translation>اسأل من جديد؛ وإذا تكرر ذلك مع هذا النموذج فقد يكون ملفه تالفًا أو أحدث من اللازم: جرّب نموذجًا آخر.</translation>
    </message>
    <message>
        <source>Close other programs, or choose a smaller model or a shorter context, and ask again.</source>
        <translation>أغلق برامج أخرى، أو اختر نموذجًا أصغر أو سياقًا أقصر، ثم اسأل من جديد.</translation>
    </message>
    <message>
        <source>Start Spyglass again; if that does not help, install it again.</source>
        <translation>شغّل Spyglass من جديد؛ وإن لم ينفع ذلك فأعد تثبيته.</translation>
    </message>
    <message>
        <source>The engine sent something that makes no sense and was ended.</source>
        <translation>أرسل المحرك شيئًا لا معنى له فأُنهي.</translation>
    </message>
    <message>
        <source>The engine stopped responding and was ended.</source>
        <translation>توقف المحرك عن الاستجابة فأُنهي.</translation>
    </message>
    <message>
        <source>The engine made no progress for a long time and was ended.</source>
        <translation>لم يتقدم المحرك مدة طويلة فأُنهي.</translation>
    </message>
    <message>
        <source>The engine used more memory than it is allowed and was ended.</source>
        <translation>استخدم المحرك ذاكرة أكثر من المسموح فأُنهي.</translation>
    </message>
    <message>
        <source>Spyglass was updated while it was running.</source>
        <translation>حُدّث Spyglass أثناء عمله.</translation>
    </message>
    <message>
        <source>Close Spyglass and start it again.</source>
        <translation>أغلق Spyglass ثم شغّله من جديد.</translation>
    </message>
    <message>
        <source>The engine could not be started.</source>
        <translation>تعذر تشغيل المحرك.</translation>
    </message>
    <message>
        <source>The engine was ended by the system, most likely because memory ran out.</source>
        <translation>أنهى النظام المحرك، على الأرجح لأن الذاكرة نفدت.</translation>
    </message>
    <message>
        <source>The engine could not get the memory it needed.</source>
        <translation>لم يحصل المحرك على الذاكرة التي يحتاج إليها.</translation>
    </message>
    <message>
        <source>The engine crashed in its native code.</source>
        <translation>انهار المحرك في شفرته الأصلية.</translation>
    </message>
    <message>
        <source>The engine ended itself because one of its internal checks failed.</source>
        <translation>أنهى المحرك نفسه لأن أحد فحوصه الداخلية فشل.</translation>
    </message>
    <message>
        <source>The engine ended itself, most likely because it could not get more memory.</source>
        <translation>أنهى المحرك نفسه، على الأرجح لأنه لم يحصل على مزيد من الذاكرة.</translation>
    </message>
    <message>
        <source>The engine was built for a newer processor than the one in this computer.</source>
        <translation>بُني المحرك لمعالج أحدث من معالج هذا الحاسوب.</translation>
    </message>
    <message>
        <source>Install the build of Spyglass that runs on every processor.</source>
        <translation>ثبّت إصدار Spyglass الذي يعمل على كل معالج.</translation>
    </message>
    <message>
        <source>The engine could not read on in the model file: the file became shorter or its disk failed.</source>
        <translation>لم يستطع المحرك متابعة قراءة ملف النموذج: قصُر الملف أو تعطل قرصه.</translation>
    </message>
    <message>
        <source>Check the disk, then download or copy the model again.</source>
        <translation>تحقق من القرص، ثم نزّل النموذج أو انسخه من جديد.</translation>
    </message>
    <message>
        <source>A library that the engine needs is missing or does not fit this system.</source>
        <translation>مكتبة يحتاج إليها المحرك مفقودة أو لا تناسب هذا النظام.</translation>
    </message>
    <message>
        <source>The engine was stopped from outside Spyglass.</source>
        <translation>أُوقف المحرك من خارج Spyglass.</translation>
    </message>
    <message>
        <source>Ask again; the engine starts anew by itself.</source>
        <translation>اسأل من جديد؛ يبدأ المحرك من تلقاء نفسه.</translation>
    </message>
    <message>
        <source>The engine ended unexpectedly.</source>
        <translation>انتهى المحرك على نحو غير متوقع.</translation>
    </message>
    <message>
        <source>A quantised KV cache needs flash attention.</source>
        <translation>تحتاج ذاكرة KV المكمّمة إلى Flash Attention.</translation>
    </message>
    <message>
        <source>Turn it on, or choose the f16 cache.</source>
        <translation>شغّلها، أو اختر ذاكرة f16.</translation>
    </message>
    <message>
        <source>The prompt is empty.</source>
        <translation>النص فارغ.</translation>
    </message>
    <message>
        <source>Write one.</source>
        <translation>اكتب نصًا.</translation>
    </message>
    <message>
        <source>Give one picture a mark.</source>
        <translation>ضع لكل صورة علامة.</translation>
    </message>
    <message>
        <source>The prompt shows {marks} pictures, but there are {count}.</source>
        <translation>يعرض النص {marks} من الصور، لكن الموجود {count}.</translation>
    </message>
    <message>
        <source>Choose a model of that kind, or let the program choose how to run this one.</source>
        <translation>اختر نموذجًا من ذلك النوع، أو دع البرنامج يختار كيفية تشغيل هذا النموذج.</translation>
    </message>
    <message>
        <source>Join the parts with llama-gguf-split --merge.</source>
        <translation>ادمج الأجزاء بواسطة llama-gguf-split --merge.</translation>
    </message>
    <message>
        <source>{name} is not a Llama 3.2 Vision model.</source>
        <translation>{name} ليس نموذج Llama 3.2 Vision.</translation>
    </message>
    <message>
        <source>{name} is one part of a model in several files.</source>
        <translation>{name} جزء من نموذج في عدة ملفات.</translation>
    </message>
    <message>
        <source>Download or convert the model again.</source>
        <translation>نزّل النموذج أو حوّله من جديد.</translation>
    </message>
    <message>
        <source>The sizes written in {name} contradict one another.</source>
        <translation>المقاسات المكتوبة في {name} متناقضة.</translation>
    </message>
    <message>
        <source>The library that runs models has no code for this processor.</source>
        <translation>ليس في المكتبة التي تشغّل النماذج شفرة لهذا المعالج.</translation>
    </message>
    <message>
        <source>Install it again.</source>
        <translation>أعد تثبيتها.</translation>
    </message>
    <message>
        <source>The model&apos;s parts do not fit together.</source>
        <translation>أجزاء النموذج لا تتوافق.</translation>
    </message>
    <message>
        <source>Choose another model file.</source>
        <translation>اختر ملف نموذج آخر.</translation>
    </message>
    <message>
        <source>There is not enough memory for the computation.</source>
        <translation>لا توجد ذاكرة كافية للحساب.</translation>
    </message>
    <message>
        <source>Choose a smaller context or close other programs.</source>
        <translation>اختر سياقًا أصغر أو أغلق برامج أخرى.</translation>
    </message>
    <message>
        <source>The computation failed.</source>
        <translation>فشل الحساب.</translation>
    </message>
    <message>
        <source>Try again, without the GPU if there is one.</source>
        <translation>حاول من جديد، من دون معالج الرسوميات إن وُجد.</translation>
    </message>
    <message>
        <source>Download or convert it again; if it comes in two files, give both.</source>
        <translation>نزّله أو حوّله من جديد؛ وإن كان في ملفين فحددهما معًا.</translation>
    </message>
    <message>
        <source>The model file {name} is incomplete.</source>
        <translation>ملف النموذج {name} غير مكتمل.</translation>
    </message>
    <message>
        <source>Download or convert it again.</source>
        <translation>نزّله أو حوّله من جديد.</translation>
    </message>
    <message>
        <source>The model file {name} does not fit its own description.</source>
        <translation>ملف النموذج {name} لا يطابق وصفه.</translation>
    </message>
    <message>
        <source>A picture of this conversation is missing.</source>
        <translation>صورة من هذه المحادثة مفقودة.</translation>
    </message>
    <message>
        <source>Add it again.</source>
        <translation>أضفها من جديد.</translation>
    </message>
    <message>
        <source>Start a new conversation, or choose a larger context in the settings.</source>
        <translation>ابدأ محادثة جديدة، أو اختر سياقًا أكبر في الإعدادات.</translation>
    </message>
    <message>
        <source>The conversation is {tokens} tokens long, but the context holds {context}.</source>
        <translation>طول المحادثة {tokens} من الوحدات، لكن السياق يتسع لـ {context}.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary does not fit its weights.</source>
        <translation>مفردات النموذج لا تطابق أوزانه.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary is not Llama 3&apos;s.</source>
        <translation>مفردات النموذج ليست مفردات Llama 3.</translation>
    </message>
    <message>
        <source>Use another model file.</source>
        <translation>استخدم ملف نموذج آخر.</translation>
    </message>
    <message>
        <source>Close other programs, or use fewer layers on the GPU.</source>
        <translation>أغلق برامج أخرى، أو ضع طبقات أقل على معالج الرسوميات.</translation>
    </message>
    <message>
        <source>{size} MiB for the model could not be had.</source>
        <translation>تعذر الحصول على {size} MiB للنموذج.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary cannot read this text.</source>
        <translation>لا تستطيع مفردات النموذج قراءة هذا النص.</translation>
    </message>
    <message>
        <source>Use another model.</source>
        <translation>استخدم نموذجًا آخر.</translation>
    </message>
    <message>
        <source>The vocabulary in {name} cannot be read.</source>
        <translation>تتعذر قراءة المفردات في {name}.</translation>
    </message>
    <message>
        <source>Wait until it is complete.</source>
        <translation>انتظر حتى يكتمل.</translation>
    </message>
    <message>
        <source>The model file {name} changed while it was being opened.</source>
        <translation>تغيّر ملف النموذج {name} أثناء فتحه.</translation>
    </message>
    <message>
        <source>Choose the projector that was published with the model.</source>
        <translation>اختر المُسقِط الذي نُشر مع النموذج.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s own file, and this one as its projector.</source>
        <translation>اختر ملف النموذج نفسه، وهذا الملف مُسقِطًا له.</translation>
    </message>
    <message>
        <source>Choose the projector that belongs to the model; its name usually begins with mmproj.</source>
        <translation>اختر المُسقِط الخاص بالنموذج؛ يبدأ اسمه عادةً بـ mmproj.</translation>
    </message>
    <message>
        <source>The projector {name} belongs to another model.</source>
        <translation>المُسقِط {name} يخص نموذجًا آخر.</translation>
    </message>
    <message>
        <source>{name} is the vision part of a model, not the model itself.</source>
        <translation>{name} هو الجزء البصري من نموذج، وليس النموذج نفسه.</translation>
    </message>
    <message>
        <source>{name} is not the vision part of a model.</source>
        <translation>{name} ليس الجزء البصري من نموذج.</translation>
    </message>
    <message>
        <source>This model cannot see pictures without its projector.</source>
        <translation>لا يستطيع هذا النموذج رؤية الصور من دون مُسقِطه.</translation>
    </message>
    <message>
        <source>Choose its projector too: the file beside it whose name begins with mmproj.</source>
        <translation>اختر مُسقِطه أيضًا: الملف المجاور الذي يبدأ اسمه بـ mmproj.</translation>
    </message>
    <message>
        <source>A picture of the conversation is missing.</source>
        <translation>صورة من المحادثة مفقودة.</translation>
    </message>
    <message>
        <source>Add the picture again.</source>
        <translation>أضف الصورة من جديد.</translation>
    </message>
    <message>
        <source>The model&apos;s chat template ends with a picture, not with a question.</source>
        <translation>ينتهي قالب المحادثة في النموذج بصورة لا بسؤال.</translation>
    </message>
    <message>
        <source>Start a new conversation, show fewer or smaller pictures, or choose a larger context in the settings.</source>
        <translation>ابدأ محادثة جديدة، أو اعرض صورًا أقل أو أصغر، أو اختر سياقًا أكبر في الإعدادات.</translation>
    </message>
    <message>
        <source>Start a new conversation, ask for less at once, or choose a larger context in the settings.</source>
        <translation>ابدأ محادثة جديدة، أو اسأل عن أقل في كل مرة، أو اختر سياقًا أكبر في الإعدادات.</translation>
    </message>
    <message>
        <source>The conversation has {tokens} tokens, but the model was loaded for {context}.</source>
        <translation>في المحادثة {tokens} من الوحدات، لكن النموذج حُمّل لـ {context}.</translation>
    </message>
    <message>
        <source>The model cannot prepare this picture.</source>
        <translation>لا يستطيع النموذج تجهيز هذه الصورة.</translation>
    </message>
    <message>
        <source>Try another picture.</source>
        <translation>جرّب صورة أخرى.</translation>
    </message>
    <message>
        <source>The model could not read the conversation.</source>
        <translation>لم يستطع النموذج قراءة المحادثة.</translation>
    </message>
    <message>
        <source>Try again.</source>
        <translation>حاول من جديد.</translation>
    </message>
    <message>
        <source>Download it again or use another one.</source>
        <translation>نزّله من جديد أو استخدم نموذجًا آخر.</translation>
    </message>
    <message>
        <source>Use a chat model.</source>
        <translation>استخدم نموذج محادثة.</translation>
    </message>
    <message>
        <source>The model cannot be started.</source>
        <translation>يتعذر تشغيل النموذج.</translation>
    </message>
    <message>
        <source>Choose a smaller context or another model.</source>
        <translation>اختر سياقًا أصغر أو نموذجًا آخر.</translation>
    </message>
    <message>
        <source>The model does not write text.</source>
        <translation>لا يكتب النموذج نصًا.</translation>
    </message>
    <message>
        <source>The model {name} cannot be loaded.</source>
        <translation>يتعذر تحميل النموذج {name}.</translation>
    </message>
    <message>
        <source>The model {name} cannot hold a conversation.</source>
        <translation>لا يستطيع النموذج {name} إجراء محادثة.</translation>
    </message>
    <message>
        <source>The model cannot read this conversation.</source>
        <translation>لا يستطيع النموذج قراءة هذه المحادثة.</translation>
    </message>
    <message>
        <source>Try another picture or another model.</source>
        <translation>جرّب صورة أخرى أو نموذجًا آخر.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s projector for pictures.</source>
        <translation>اختر مُسقِط النموذج الخاص بالصور.</translation>
    </message>
    <message>
        <source>The model could not look at the picture.</source>
        <translation>لم يستطع النموذج النظر إلى الصورة.</translation>
    </message>
    <message>
        <source>The picture takes more tokens than the model reads at once.</source>
        <translation>تحتاج الصورة إلى وحدات أكثر مما يقرؤه النموذج دفعة واحدة.</translation>
    </message>
    <message>
        <source>The projector {name} cannot be used with this model.</source>
        <translation>لا يمكن استخدام المُسقِط {name} مع هذا النموذج.</translation>
    </message>
    <message>
        <source>The projector {name} is not for pictures.</source>
        <translation>المُسقِط {name} ليس للصور.</translation>
    </message>
    <message>
        <source>The model cannot tell the size of a picture.</source>
        <translation>لا يستطيع النموذج معرفة حجم الصورة.</translation>
    </message>
    <message>
        <source>{size:.0f} MiB</source>
        <translation>{size:.0f}&#xa0;MiB</translation>
    </message>
    <message>
        <source>Close other programs or use a smaller model.</source>
        <translation>أغلق برامج أخرى أو استخدم نموذجًا أصغر.</translation>
    </message>
    <message>
        <source>{size:.1f} GiB</source>
        <translation>{size:.1f}&#xa0;GiB</translation>
    </message>
    <message>
        <source>The model needs {needed} of memory, but only {free} are free.</source>
        <translation>يحتاج النموذج إلى {needed} من الذاكرة، والمتاح {free} فقط.</translation>
    </message>
    <message>
        <source>A context of {tokens} tokens needs {needed} of memory, but only {free} are free.</source>
        <translation>يحتاج سياق من {tokens} من الوحدات إلى {needed} من الذاكرة، والمتاح {free} فقط.</translation>
    </message>
    <message>
        <source>Choose a context of {tokens} tokens or fewer, or close other programs.</source>
        <translation>اختر سياقًا لا يزيد على {tokens} من الوحدات، أو أغلق برامج أخرى.</translation>
    </message>
    <message>
        <source>Install llama-cpp-python 0.3.36 again.</source>
        <translation>أعد تثبيت llama-cpp-python 0.3.36.</translation>
    </message>
    <message>
        <source>The library that runs models is {name} {found}, but {wanted} is needed.</source>
        <translation>المكتبة التي تشغّل النماذج هي {name} {found}، والمطلوب {wanted}.</translation>
    </message>
    <message>
        <source>The library that runs models is not installed.</source>
        <translation>المكتبة التي تشغّل النماذج غير مثبتة.</translation>
    </message>
    <message>
        <source>Install llama-cpp-python 0.3.36.</source>
        <translation>ثبّت llama-cpp-python 0.3.36.</translation>
    </message>
    <message>
        <source>The library that runs models cannot be loaded.</source>
        <translation>يتعذر تحميل المكتبة التي تشغّل النماذج.</translation>
    </message>
    <message>
        <source>The libraries that run models cannot be loaded on this computer.</source>
        <translation>يتعذر تحميل المكتبات التي تشغّل النماذج على هذا الحاسوب.</translation>
    </message>
    <message>
        <source>Install Spyglass again; `spyglass doctor` tells more.</source>
        <translation>أعد تثبيت Spyglass؛ يعرض الأمر `spyglass doctor` المزيد.</translation>
    </message>
    <message>
        <source>The form of answer that was asked for cannot be enforced.</source>
        <translation>يتعذر فرض شكل الإجابة المطلوب.</translation>
    </message>
    <message>
        <source>Use a simpler JSON schema.</source>
        <translation>استخدم مخطط JSON أبسط.</translation>
    </message>
    <message>
        <source>The model computed something that is not a number.</source>
        <translation>حسب النموذج شيئًا ليس عددًا.</translation>
    </message>
    <message>
        <source>Its file is damaged: download or convert it again.</source>
        <translation>ملفه تالف: نزّله أو حوّله من جديد.</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary cannot write the form of answer that was asked for.</source>
        <translation>لا تستطيع مفردات النموذج كتابة شكل الإجابة المطلوب.</translation>
    </message>
    <message>
        <source>The chat template inside the model file does not work.</source>
        <translation>قالب المحادثة داخل ملف النموذج لا يعمل.</translation>
    </message>
    <message>
        <source>Download the model again or use another one.</source>
        <translation>نزّل النموذج من جديد أو استخدم نموذجًا آخر.</translation>
    </message>
    <message>
        <source>The model&apos;s chat template refuses this conversation.</source>
        <translation>يرفض قالب المحادثة في النموذج هذه المحادثة.</translation>
    </message>
    <message>
        <source>Start a new conversation or use another model.</source>
        <translation>ابدأ محادثة جديدة أو استخدم نموذجًا آخر.</translation>
    </message>
    <message>
        <source>{what} {todo}</source>
        <translation>{what} {todo}</translation>
    </message>
    <message>
        <source>The model file {name} is damaged or is not a GGUF file.</source>
        <translation>ملف النموذج {name} تالف أو ليس ملف GGUF.</translation>
    </message>
    <message>
        <source>Check that it exists and may be read.</source>
        <translation>تحقق من وجوده ومن إمكان قراءته.</translation>
    </message>
    <message>
        <source>The model file {name} cannot be read.</source>
        <translation>تتعذر قراءة ملف النموذج {name}.</translation>
    </message>
    <message>
        <source>Check that it is still there.</source>
        <translation>تحقق من أنه ما زال موجودًا.</translation>
    </message>
    <message>
        <source>Choose the model&apos;s own file.</source>
        <translation>اختر ملف النموذج نفسه.</translation>
    </message>
    <message>
        <source>Spyglass does not load models from addresses.</source>
        <translation>لا يحمّل Spyglass النماذج من العناوين.</translation>
    </message>
    <message>
        <source>Download the model and name the file.</source>
        <translation>نزّل النموذج ثم حدد الملف.</translation>
    </message>
    <message>
        <source>There is no model file {name}.</source>
        <translation>لا يوجد ملف نموذج {name}.</translation>
    </message>
    <message>
        <source>Choose a GGUF file.</source>
        <translation>اختر ملف GGUF.</translation>
    </message>
    <message>
        <source>Choose another model.</source>
        <translation>اختر نموذجًا آخر.</translation>
    </message>
    <message>
        <source>The folder holds several models.</source>
        <translation>في المجلد عدة نماذج.</translation>
    </message>
    <message>
        <source>Several models&apos; names begin with {name}.</source>
        <translation>تبدأ أسماء عدة نماذج بـ {name}.</translation>
    </message>
    <message>
        <source>No model&apos;s name begins with {name}.</source>
        <translation>لا يبدأ اسم أي نموذج بـ {name}.</translation>
    </message>
    <message>
        <source>Choose one of {names}, or name a file.</source>
        <translation>اختر واحدًا من هذه: {names}، أو حدد ملفًا.</translation>
    </message>
    <message>
        <source>The part {name} is missing.</source>
        <translation>الجزء {name} مفقود.</translation>
    </message>
    <message>
        <source>Its projector (mmproj) is not beside it.</source>
        <translation>مُسقِطه (mmproj) ليس بجانبه.</translation>
    </message>
    <message>
        <source>{name} is a model&apos;s projector, not the model itself.</source>
        <translation>{name} هو مُسقِط نموذج، وليس النموذج نفسه.</translation>
    </message>
    <message>
        <source>{name} is a file that goes with a model, not the model itself.</source>
        <translation>{name} ملف مرافق لنموذج، وليس النموذج نفسه.</translation>
    </message>
    <message>
        <source>The starter model is not part of this copy of Spyglass.</source>
        <translation>نموذج البداية ليس ضمن هذه النسخة من Spyglass.</translation>
    </message>
    <message>
        <source>{name} is a checkpoint, not a GGUF file.</source>
        <translation>{name} نقطة حفظ وليس ملف GGUF.</translation>
    </message>
    <message>
        <source>Convert it: spyglass models convert.</source>
        <translation>حوّلها: spyglass models convert.</translation>
    </message>
    <message>
        <source>{name} is a folder without a usable model.</source>
        <translation>{name} مجلد بلا نموذج صالح للاستخدام.</translation>
    </message>
    <message>
        <source>{name} is not a file.</source>
        <translation>{name} ليس ملفًا.</translation>
    </message>
    <message>
        <source>Choose one of {names}.</source>
        <translation>اختر واحدًا من هذه: {names}.</translation>
    </message>
    <message>
        <source>The model&apos;s path holds bytes that are not UTF-8.</source>
        <translation>في مسار النموذج بايتات ليست UTF-8.</translation>
    </message>
    <message>
        <source>Rename the file.</source>
        <translation>غيّر اسم الملف.</translation>
    </message>
    <message>
        <source>Put its projector (the name usually begins with mmproj) into the same folder, or name it.</source>
        <translation>ضع مُسقِطه (يبدأ الاسم عادةً بـ mmproj) في المجلد نفسه، أو حدده.</translation>
    </message>
    <message>
        <source>{name} reads text only, and its projector is not beside it.</source>
        <translation>يقرأ {name} النصوص فقط، ومُسقِطه ليس بجانبه.</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>اسأل</translation>
    </message>
    <message>
        <source>Recognise</source>
        <translation>تعرّف</translation>
    </message>
    <message>
        <source>Nothing that I know.</source>
        <translation>لا شيء أعرفه.</translation>
    </message>
    <message>
        <source>Looking.</source>
        <translation>جارٍ النظر.</translation>
    </message>
    <message>
        <source>Resting, to keep the machine cool.</source>
        <translation>استراحة، لئلا يسخن الجهاز.</translation>
    </message>
    <message>
        <source>Resting, to save the battery.</source>
        <translation>استراحة، لتوفير البطارية.</translation>
    </message>
    <message>
        <source>Trying again soon.</source>
        <translation>محاولة جديدة قريبًا.</translation>
    </message>
    <message>
        <source>Paused.</source>
        <translation>متوقف مؤقتًا.</translation>
    </message>
    <message>
        <source>Save it as text in UTF-8, a line for each term.</source>
        <translation>احفظه نصًا بترميز UTF-8، لكل مصطلح سطر.</translation>
    </message>
    <message>
        <source>Write each one as: term = word.</source>
        <translation>اكتب كل واحد هكذا: المصطلح = الكلمة.</translation>
    </message>
    <message>
        <source>There is no glossary {name}.</source>
        <translation>لا يوجد مسرد {name}.</translation>
    </message>
    <message>
        <source>The glossary {name} cannot be read.</source>
        <translation>تتعذر قراءة المسرد {name}.</translation>
    </message>
    <message>
        <source>Line {number} of the glossary is no term.</source>
        <translation>السطر {number} من المسرد ليس مصطلحًا.</translation>
    </message>
    <message>
        <source>The language {code} is not offered.</source>
        <translation>اللغة {code} غير متاحة.</translation>
    </message>
    <message>
        <source>Point the camera at the text again.</source>
        <translation>وجّه الكاميرا إلى النص من جديد.</translation>
    </message>
    <message>
        <source>Turn the camera off and on again.</source>
        <translation>أوقف الكاميرا ثم شغّلها من جديد.</translation>
    </message>
    <message>
        <source>Translate</source>
        <translation>ترجم</translation>
    </message>
    <message>
        <source>The translation was stopped.</source>
        <translation>أُوقفت الترجمة.</translation>
    </message>
    <message>
        <source>Start it again to go on.</source>
        <translation>ابدأها من جديد للمتابعة.</translation>
    </message>
    <message>
        <source>A translation is not saved as {kind}.</source>
        <translation>لا تُحفظ الترجمة بصيغة {kind}.</translation>
    </message>
    <message>
        <source>Use {names}.</source>
        <translation>استخدم {names}.</translation>
    </message>
    <message>
        <source>Check the folder and the disk.</source>
        <translation>تحقق من المجلد ومن القرص.</translation>
    </message>
    <message>
        <source>There is no picture to draw on.</source>
        <translation>لا توجد صورة للرسم عليها.</translation>
    </message>
    <message>
        <source>Save the texts as .txt.</source>
        <translation>احفظ النصوص بصيغة ‎.txt.</translation>
    </message>
    <message>
        <source>{name} cannot be written.</source>
        <translation>تتعذر كتابة {name}.</translation>
    </message>
    <message>
        <source>This text cannot be drawn: its letters join, and the library that joins them is missing.</source>
        <translation>يتعذر رسم هذا النص: حروفه متصلة، والمكتبة التي تصلها مفقودة.</translation>
    </message>
    <message>
        <source>Install FriBidi (libfribidi) or use the translation beside the picture.</source>
        <translation>ثبّت FriBidi (libfribidi) أو استخدم الترجمة بجانب الصورة.</translation>
    </message>
    <message>
        <source>It is not said what to watch for.</source>
        <translation>لم يُذكر ما ينبغي مراقبته.</translation>
    </message>
    <message>
        <source>Write it like &quot;a bus&quot; or &quot;tell me when the door is open&quot;.</source>
        <translation>اكتب مثلًا: «a bus» أو «tell me when the door is open».</translation>
    </message>
    <message>
        <source>true or false</source>
        <translation>صحيحًا أو خاطئًا</translation>
    </message>
    <message>
        <source>a whole number</source>
        <translation>عددًا صحيحًا</translation>
    </message>
    <message>
        <source>a number</source>
        <translation>عددًا</translation>
    </message>
    <message>
        <source>text</source>
        <translation>نصًا</translation>
    </message>
    <message>
        <source>The setting {key} must be {rule}.</source>
        <translation>يجب أن يكون الإعداد {key} {rule}.</translation>
    </message>
    <message>
        <source>Its default is {value}.</source>
        <translation>قيمته الافتراضية {value}.</translation>
    </message>
    <message>
        <source>There is no setting {key}.</source>
        <translation>لا يوجد إعداد {key}.</translation>
    </message>
    <message>
        <source>The settings are {names}.</source>
        <translation>الإعدادات هي {names}.</translation>
    </message>
    <message>
        <source>one of {names}</source>
        <translation>واحدًا من {names}</translation>
    </message>
    <message>
        <source>between {low} and {high}</source>
        <translation>بين {low} و{high}</translation>
    </message>
    <message>
        <source>It was kept as {name}, and the defaults hold.</source>
        <translation>حُفظ باسم {name}، وتسري القيم الافتراضية.</translation>
    </message>
    <message>
        <source>The settings file was damaged ({reason}). {kept}</source>
        <translation>كان ملف الإعدادات تالفًا ({reason}). {kept}</translation>
    </message>
    <message>
        <source>It could not be kept, and the defaults hold.</source>
        <translation>تعذر حفظه، وتسري القيم الافتراضية.</translation>
    </message>
    <message>
        <source>The settings could not be saved; the change holds until the program ends.</source>
        <translation>تعذر حفظ الإعدادات؛ يسري التغيير حتى ينتهي البرنامج.</translation>
    </message>
    <message>
        <source>Check the disk and the permissions of the settings folder.</source>
        <translation>تحقق من القرص ومن أذونات مجلد الإعدادات.</translation>
    </message>
    <message>
        <source>The settings could not be read ({reason}); the defaults hold.</source>
        <translation>تعذرت قراءة الإعدادات ({reason})؛ تسري القيم الافتراضية.</translation>
    </message>
    <message>
        <source>{what} Until then its default holds.</source>
        <translation>{what} تسري قيمته الافتراضية حتى ذلك الحين.</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>محادثة جديدة</translation>
    </message>
    <message>
        <source>Open picture…</source>
        <translation>فتح صورة…</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>لصق</translation>
    </message>
    <message>
        <source>Part of the screen…</source>
        <translation>جزء من الشاشة…</translation>
    </message>
    <message>
        <source>Camera</source>
        <translation>الكاميرا</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>بحث في هذه المحادثة</translation>
    </message>
    <message>
        <source>Open model file…</source>
        <translation>فتح ملف نموذج…</translation>
    </message>
    <message>
        <source>Settings…</source>
        <translation>الإعدادات…</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>المفاتيح</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>إيقاف</translation>
    </message>
    <message>
        <source>Go to the question</source>
        <translation>الانتقال إلى السؤال</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>إنهاء</translation>
    </message>
    <message>
        <source>Take the picture (camera on the stage)</source>
        <translation>التقاط الصورة (الكاميرا على المنصة)</translation>
    </message>
    <message>
        <source>Zoom in, zoom out, fit (stage)</source>
        <translation>تكبير وتصغير وملاءمة (المنصة)</translation>
    </message>
    <message>
        <source>Move the picture (stage)</source>
        <translation>تحريك الصورة (المنصة)</translation>
    </message>
    <message>
        <source>Choose and move a part of the picture (stage)</source>
        <translation>اختيار جزء من الصورة وتحريكه (المنصة)</translation>
    </message>
    <message>
        <source>Size that part (stage)</source>
        <translation>تغيير حجم ذلك الجزء (المنصة)</translation>
    </message>
    <message>
        <source>Copy the answer</source>
        <translation>نسخ الإجابة</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>إجابة من جديد</translation>
    </message>
    <message>
        <source>Details of the error</source>
        <translation>تفاصيل الخطأ</translation>
    </message>
    <message>
        <source>Something in Spyglass went wrong.</source>
        <translation>حدث خطأ في Spyglass.</translation>
    </message>
    <message>
        <source>Install Spyglass again.</source>
        <translation>أعد تثبيت Spyglass.</translation>
    </message>
    <message>
        <source>Try again; if it happens again, report it with the details.</source>
        <translation>حاول من جديد؛ وإذا تكرر ذلك فأبلغ عنه مع التفاصيل.</translation>
    </message>
    <message>
        <source>Starting the camera</source>
        <translation>جارٍ تشغيل الكاميرا</translation>
    </message>
    <message>
        <source>Spyglass may not use the camera.</source>
        <translation>لا يُسمح لـ Spyglass باستخدام الكاميرا.</translation>
    </message>
    <message>
        <source>Allow it in the privacy settings of the system.</source>
        <translation>اسمح بذلك في إعدادات الخصوصية في النظام.</translation>
    </message>
    <message>
        <source>Stage</source>
        <translation>المنصة</translation>
    </message>
    <message>
        <source>You asked: {question}</source>
        <translation>سألت: {question}</translation>
    </message>
    <message>
        <source>You asked, with a picture: {question}</source>
        <translation>سألت مع صورة: {question}</translation>
    </message>
    <message>
        <source>Answer: {answer}</source>
        <translation>الإجابة: {answer}</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>أُوقفت</translation>
    </message>
    <message>
        <source>Cut off: the longest answer allowed</source>
        <translation>قُطعت: أطول إجابة مسموح بها</translation>
    </message>
    <message>
        <source>Go to the newest words</source>
        <translation>الانتقال إلى أحدث الكلمات</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>المحادثة</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>نسخ</translation>
    </message>
    <message>
        <source>Edit question</source>
        <translation>تعديل السؤال</translation>
    </message>
    <message>
        <source>Do not send along: {name}</source>
        <translation>عدم الإرسال مع السؤال: {name}</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>السؤال</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>إرسال</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>صورة</translation>
    </message>
    <message>
        <source>Part of the picture</source>
        <translation>جزء من الصورة</translation>
    </message>
    <message>
        <source>Bring a picture, then ask about it in your own words.</source>
        <translation>أحضر صورة، ثم اسأل عنها بكلماتك.</translation>
    </message>
    <message>
        <source>Drag a rectangle on the picture to ask about a part of it.</source>
        <translation>ارسم مستطيلًا على الصورة للسؤال عن جزء منها.</translation>
    </message>
    <message>
        <source>What would you like to know?</source>
        <translation>ماذا تريد أن تعرف؟</translation>
    </message>
    <message>
        <source>What is in this picture?</source>
        <translation>ماذا في هذه الصورة؟</translation>
    </message>
    <message>
        <source>What does the text say?</source>
        <translation>ماذا يقول النص؟</translation>
    </message>
    <message>
        <source>Describe it in one sentence.</source>
        <translation>صِفها في جملة واحدة.</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>صورة ملصقة</translation>
    </message>
    <message>
        <source>guessing</source>
        <translation>تخمين</translation>
    </message>
    <message>
        <source>unsure</source>
        <translation>غير واثق</translation>
    </message>
    <message>
        <source>fairly sure</source>
        <translation>واثق إلى حد ما</translation>
    </message>
    <message>
        <source>sure</source>
        <translation>واثق</translation>
    </message>
    <message>
        <source>very sure</source>
        <translation>واثق جدًا</translation>
    </message>
    <message>
        <source>Tokens read: {read}, of them reused: {reused}</source>
        <translation>الوحدات المقروءة: {read}، المعاد استخدامها منها: {reused}</translation>
    </message>
    <message>
        <source>Pictures: {pictures}, looked at now: {now}</source>
        <translation>الصور: {pictures}، المنظور إليها الآن: {now}</translation>
    </message>
    <message>
        <source>Tokens written: {written} in {time}</source>
        <translation>الوحدات المكتوبة: {written} في {time}</translation>
    </message>
    <message>
        <source>Loading {loading}, looking {looking}, reading {reading}</source>
        <translation>التحميل {loading}، النظر {looking}، القراءة {reading}</translation>
    </message>
    <message>
        <source>Mean probability of a token: {share:.0%}</source>
        <translation>متوسط احتمال الوحدة: {share:.0%}</translation>
    </message>
    <message>
        <source>{time:.0f} ms</source>
        <translation>{time:.0f}&#xa0;م.ث</translation>
    </message>
    <message>
        <source>{time:.1f} s</source>
        <translation>{time:.1f}&#xa0;ث</translation>
    </message>
    <message>
        <source>{time:.0f} min</source>
        <translation>{time:.0f}&#xa0;د</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>جارٍ الكتابة</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>جارٍ البدء</translation>
    </message>
    <message>
        <source>{time} to first word</source>
        <translation>{time} حتى أول كلمة</translation>
    </message>
    <message>
        <source>{speed} tokens/s</source>
        <translation>{speed} وحدة/ث</translation>
    </message>
    <message>
        <source>picture reused</source>
        <translation>أُعيد استخدام الصورة</translation>
    </message>
    <message>
        <source>Loading the model</source>
        <translation>جارٍ تحميل النموذج</translation>
    </message>
    <message>
        <source>Looking at the picture</source>
        <translation>جارٍ النظر إلى الصورة</translation>
    </message>
    <message>
        <source>Looking at picture {number} of {all}</source>
        <translation>جارٍ النظر إلى الصورة {number} من {all}</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>جارٍ القراءة</translation>
    </message>
    <message numerus="yes">
        <source>{n} tokens reused</source>
        <translation>
            <numerusform>لم يُعَد استخدام أي وحدة</numerusform>
            <numerusform>أُعيد استخدام وحدة واحدة</numerusform>
            <numerusform>أُعيد استخدام وحدتين</numerusform>
            <numerusform>أُعيد استخدام {n} وحدات</numerusform>
            <numerusform>أُعيد استخدام {n} وحدة</numerusform>
            <numerusform>أُعيد استخدام {n} وحدة</numerusform>
        </translation>
    </message>
    <message>
        <source>The place before</source>
        <translation>الموضع السابق</translation>
    </message>
    <message>
        <source>The next place</source>
        <translation>الموضع التالي</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>إغلاق</translation>
    </message>
    <message>
        <source>{place} of {places}</source>
        <translation>{place} من {places}</translation>
    </message>
    <message>
        <source>Not found</source>
        <translation>لا يوجد</translation>
    </message>
    <message>
        <source>Nothing leaves this machine: pictures, questions and answers stay here.</source>
        <translation>لا يغادر شيء هذا الجهاز: الصور والأسئلة والإجابات تبقى هنا.</translation>
    </message>
    <message>
        <source>Resting</source>
        <translation>في استراحة</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>جاهز</translation>
    </message>
    <message>
        <source>Working</source>
        <translation>يعمل</translation>
    </message>
    <message>
        <source>Restarting</source>
        <translation>يعيد التشغيل</translation>
    </message>
    <message>
        <source>Menu</source>
        <translation>القائمة</translation>
    </message>
    <message>
        <source>Offline</source>
        <translation>بلا اتصال</translation>
    </message>
    <message>
        <source>Choose the model</source>
        <translation>اختيار النموذج</translation>
    </message>
    <message>
        <source>Engine: {state}</source>
        <translation>المحرك: {state}</translation>
    </message>
    <message>
        <source>Model: {name}</source>
        <translation>النموذج: {name}</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>جارٍ البحث…</translation>
    </message>
    <message>
        <source>{number}%</source>
        <translation>{number}٪</translation>
    </message>
    <message>
        <source>The texts in {language} are missing.</source>
        <translation>النصوص باللغة {language} مفقودة.</translation>
    </message>
    <message>
        <source>Saved as {name}</source>
        <translation>حُفظ باسم {name}</translation>
    </message>
    <message>
        <source>{name} could not be saved.</source>
        <translation>تعذر حفظ {name}.</translation>
    </message>
    <message>
        <source>Check the folder.</source>
        <translation>تحقق من المجلد.</translation>
    </message>
    <message>
        <source>sent</source>
        <translation>مُرسلة</translation>
    </message>
    <message>
        <source>nothing new</source>
        <translation>لا جديد</translation>
    </message>
    <message>
        <source>black</source>
        <translation>سوداء</translation>
    </message>
    <message>
        <source>too dark</source>
        <translation>مظلمة جدًا</translation>
    </message>
    <message>
        <source>too bright</source>
        <translation>ساطعة جدًا</translation>
    </message>
    <message>
        <source>blurred</source>
        <translation>غير واضحة</translation>
    </message>
    <message>
        <source>moving</source>
        <translation>متحركة</translation>
    </message>
    <message>
        <source>engine busy</source>
        <translation>المحرك مشغول</translation>
    </message>
    <message>
        <source>resting</source>
        <translation>استراحة</translation>
    </message>
    <message>
        <source>after a failure</source>
        <translation>بعد إخفاق</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>متوقفة مؤقتًا</translation>
    </message>
    <message>
        <source>Stop watching</source>
        <translation>إيقاف المراقبة</translation>
    </message>
    <message>
        <source>{share:.0%} {fate}</source>
        <translation>{share:.0%} {fate}</translation>
    </message>
    <message>
        <source>Save a snapshot</source>
        <translation>حفظ لقطة</translation>
    </message>
    <message>
        <source>Save the last ten seconds</source>
        <translation>حفظ آخر عشر ثوانٍ</translation>
    </message>
    <message>
        <source>Looking around</source>
        <translation>جارٍ النظر في الأرجاء</translation>
    </message>
    <message>
        <source>{size:.1f} GB</source>
        <translation>{size:.1f}&#xa0;غ.ب</translation>
    </message>
    <message>
        <source>About Spyglass</source>
        <translation>حول Spyglass</translation>
    </message>
    <message>
        <source>Network camera…</source>
        <translation>كاميرا شبكة…</translation>
    </message>
    <message>
        <source>Mirror</source>
        <translation>عكس أفقي</translation>
    </message>
    <message>
        <source>Turn by 90°</source>
        <translation>تدوير ٩٠°</translation>
    </message>
    <message>
        <source>Network camera</source>
        <translation>كاميرا شبكة</translation>
    </message>
    <message>
        <source>Its address, for example http://192.168.0.20:8080/video or rtsp://…</source>
        <translation>عنوانها، مثلًا http://192.168.0.20:8080/video أو rtsp://…</translation>
    </message>
    <message>
        <source>{size:.0f} MB</source>
        <translation>{size:.0f}&#xa0;م.ب</translation>
    </message>
    <message>
        <source>Starter (ships with Spyglass)</source>
        <translation>نموذج البداية (مرفق مع Spyglass)</translation>
    </message>
    <message>
        <source>No other camera</source>
        <translation>لا توجد كاميرا أخرى</translation>
    </message>
    <message>
        <source>The projector&apos;s name usually begins with mmproj.</source>
        <translation>يبدأ اسم المُسقِط عادةً بـ mmproj.</translation>
    </message>
    <message>
        <source>Choose its projector…</source>
        <translation>اختيار مُسقِطه…</translation>
    </message>
    <message>
        <source>Open model file</source>
        <translation>فتح ملف نموذج</translation>
    </message>
    <message>
        <source>Open the projector (mmproj)</source>
        <translation>فتح المُسقِط (mmproj)</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>كل الملفات</translation>
    </message>
    <message>
        <source>GGUF models</source>
        <translation>نماذج GGUF</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>التقدم</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>إلغاء</translation>
    </message>
    <message>
        <source>Close this message</source>
        <translation>إغلاق هذه الرسالة</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>التفاصيل</translation>
    </message>
    <message>
        <source>Part of the screen</source>
        <translation>جزء من الشاشة</translation>
    </message>
    <message>
        <source>Open picture</source>
        <translation>فتح صورة</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>صور</translation>
    </message>
    <message>
        <source>Camera picture</source>
        <translation>صورة الكاميرا</translation>
    </message>
    <message>
        <source>Stop reading</source>
        <translation>إيقاف القراءة</translation>
    </message>
    <message>
        <source>Read aloud</source>
        <translation>قراءة بصوت عالٍ</translation>
    </message>
    <message>
        <source>Connect one, or use a phone as a network camera.</source>
        <translation>صِل كاميرا، أو استخدم هاتفًا ككاميرا شبكة.</translation>
    </message>
    <message>
        <source>Point the camera at something</source>
        <translation>وجّه الكاميرا إلى شيء ما</translation>
    </message>
    <message>
        <source>Click a name to ask about it. Or write what to wait for, and be told when it comes.</source>
        <translation>انقر اسمًا للسؤال عنه. أو اكتب ما ينبغي انتظاره، وستُخبر حين يأتي.</translation>
    </message>
    <message>
        <source>Ask about this</source>
        <translation>السؤال عن هذا</translation>
    </message>
    <message>
        <source>saving the battery</source>
        <translation>توفير البطارية</translation>
    </message>
    <message>
        <source>{width} × {height}, {rate:.0f} frames/s</source>
        <translation>{width} × {height}، {rate:.0f} صورة/ث</translation>
    </message>
    <message numerus="yes">
        <source>{n} answers in the last minute</source>
        <translation>
            <numerusform>لا إجابات في الدقيقة الأخيرة</numerusform>
            <numerusform>إجابة واحدة في الدقيقة الأخيرة</numerusform>
            <numerusform>إجابتان في الدقيقة الأخيرة</numerusform>
            <numerusform>{n} إجابات في الدقيقة الأخيرة</numerusform>
            <numerusform>{n} إجابة في الدقيقة الأخيرة</numerusform>
            <numerusform>{n} إجابة في الدقيقة الأخيرة</numerusform>
        </translation>
    </message>
    <message>
        <source>at work {share:.0%} of the time, {most:.0%} allowed</source>
        <translation>يعمل {share:.0%} من الوقت، والمسموح {most:.0%}</translation>
    </message>
    <message>
        <source>Say aloud what is found</source>
        <translation>نطق ما يُعثر عليه</translation>
    </message>
    <message>
        <source>Show figures on the picture</source>
        <translation>إظهار الأرقام على الصورة</translation>
    </message>
    <message>
        <source>{seconds:.2f} s from frame to label</source>
        <translation>{seconds:.2f} ث من الصورة إلى الاسم</translation>
    </message>
    <message>
        <source>{seconds:.2f} s an answer</source>
        <translation>{seconds:.2f} ث لكل إجابة</translation>
    </message>
    <message>
        <source>on battery, {share:.0%}</source>
        <translation>على البطارية، {share:.0%}</translation>
    </message>
    <message>
        <source>the processor is too hot and slows down</source>
        <translation>المعالج ساخن جدًا ويتباطأ</translation>
    </message>
    <message>
        <source>{things}, {seconds} s ago</source>
        <translation>{things}، قبل {seconds} ث</translation>
    </message>
    <message>
        <source>{degrees:.0f} °C below the processor&apos;s limit</source>
        <translation>أقل بـ {degrees:.0f} °م من حد المعالج</translation>
    </message>
    <message>
        <source>{size} · {licence} · perhaps {speed} tokens/s here</source>
        <translation>{size} · {licence} · ربما {speed} وحدة/ث هنا</translation>
    </message>
    <message>
        <source>Videos</source>
        <translation>مقاطع فيديو</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>الإعدادات</translation>
    </message>
    <message>
        <source>On</source>
        <translation>مُفعّل</translation>
    </message>
    <message>
        <source>Send the question</source>
        <translation>إرسال السؤال</translation>
    </message>
    <message>
        <source>New line in the question</source>
        <translation>سطر جديد في السؤال</translation>
    </message>
    <message>
        <source>Nothing more is known.</source>
        <translation>لا يُعرف أكثر من ذلك.</translation>
    </message>
    <message>
        <source>Version {version}</source>
        <translation>الإصدار {version}</translation>
    </message>
    <message>
        <source>Ask about pictures with a model that runs on this machine. Nothing is sent anywhere.</source>
        <translation>اسأل عن الصور بنموذج يعمل على هذا الجهاز. لا يُرسل شيء إلى أي مكان.</translation>
    </message>
    <message>
        <source>Apache License 2.0. Icons: Lucide, ISC License.</source>
        <translation>رخصة Apache 2.0. الأيقونات: Lucide، رخصة ISC.</translation>
    </message>
    <message>
        <source>{thing} at {time}</source>
        <translation>{thing} في {time}</translation>
    </message>
    <message>
        <source>Yes, at {time} ({share:.0%} sure).</source>
        <translation>نعم، في {time} (واثق بنسبة {share:.0%}).</translation>
    </message>
    <message>
        <source>Check that the sound works, and that {program} does.</source>
        <translation>تحقق من أن الصوت يعمل، وكذلك {program}.</translation>
    </message>
    <message>
        <source>This could not be said aloud.</source>
        <translation>تعذر نطق هذا.</translation>
    </message>
    <message>
        <source>Picture {name}, {width} x {height} pixels</source>
        <translation>الصورة {name}، {width} × {height} بكسل</translation>
    </message>
    <message>
        <source>Drop a picture, paste one, or start the camera</source>
        <translation>أفلت صورة هنا أو الصقها أو شغّل الكاميرا</translation>
    </message>
    <message>
        <source>Or try</source>
        <translation>أو جرّب</translation>
    </message>
    <message>
        <source>Sample picture: {name}</source>
        <translation>صورة للتجربة: {name}</translation>
    </message>
    <message>
        <source>Fit the picture</source>
        <translation>ملاءمة الصورة</translation>
    </message>
    <message>
        <source>Fit the picture (double click)</source>
        <translation>ملاءمة الصورة (نقر مزدوج)</translation>
    </message>
    <message>
        <source>Choose the camera</source>
        <translation>اختيار الكاميرا</translation>
    </message>
    <message>
        <source>Take the picture</source>
        <translation>التقاط الصورة</translation>
    </message>
    <message>
        <source>Take the picture (Space)</source>
        <translation>التقاط الصورة (مفتاح المسافة)</translation>
    </message>
    <message>
        <source>Turn the camera off</source>
        <translation>إيقاف الكاميرا</translation>
    </message>
    <message>
        <source>Opening the picture…</source>
        <translation>جارٍ فتح الصورة…</translation>
    </message>
    <message>
        <source>Open…</source>
        <translation>فتح…</translation>
    </message>
    <message>
        <source>Zoom out (-)</source>
        <translation>تصغير (-)</translation>
    </message>
    <message>
        <source>Zoom in (+)</source>
        <translation>تكبير (+)</translation>
    </message>
    <message>
        <source>Live camera</source>
        <translation>كاميرا مباشرة</translation>
    </message>
    <message>
        <source>There is no model yet.</source>
        <translation>لا يوجد نموذج بعد.</translation>
    </message>
    <message>
        <source>Wait until it is found, or choose one above.</source>
        <translation>انتظر حتى يُعثر عليه، أو اختر نموذجًا أعلاه.</translation>
    </message>
    <message>
        <source>Save the translation</source>
        <translation>حفظ الترجمة</translation>
    </message>
    <message>
        <source>Looking for text</source>
        <translation>جارٍ البحث عن نص</translation>
    </message>
    <message>
        <source>Reading the text</source>
        <translation>جارٍ قراءة النص</translation>
    </message>
    <message>
        <source>Translating</source>
        <translation>جارٍ الترجمة</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>نص</translation>
    </message>
    <message>
        <source>Your own words</source>
        <translation>كلماتك الخاصة</translation>
    </message>
    <message>
        <source>How a word is to be translated, a line for each: term = word</source>
        <translation>كيف تُترجم كلمة، لكل كلمة سطر: المصطلح = الكلمة</translation>
    </message>
    <message>
        <source>ticket office = Schalter</source>
        <translation>ticket office = Schalter</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>حفظ</translation>
    </message>
    <message>
        <source>It cannot be saved: {reason}</source>
        <translation>يتعذر الحفظ: {reason}</translation>
    </message>
    <message>
        <source>Point the camera at a sign, a menu or a letter.</source>
        <translation>وجّه الكاميرا إلى لافتة أو قائمة طعام أو رسالة.</translation>
    </message>
    <message>
        <source>Reading the text…</source>
        <translation>جارٍ قراءة النص…</translation>
    </message>
    <message>
        <source>There is no text in view.</source>
        <translation>لا يوجد نص في المشهد.</translation>
    </message>
    <message>
        <source>Explain</source>
        <translation>شرح</translation>
    </message>
    <message>
        <source>Explain this text, or the words marked in it</source>
        <translation>شرح هذا النص أو الكلمات المحددة فيه</translation>
    </message>
    <message>
        <source>Detect language</source>
        <translation>كشف اللغة</translation>
    </message>
    <message>
        <source>Translate from</source>
        <translation>الترجمة من</translation>
    </message>
    <message>
        <source>Translate into</source>
        <translation>الترجمة إلى</translation>
    </message>
    <message>
        <source>Show the original</source>
        <translation>إظهار الأصل</translation>
    </message>
    <message>
        <source>Or hold O on the picture, or point at a line</source>
        <translation>أو اضغط باستمرار على O فوق الصورة، أو أشر إلى سطر</translation>
    </message>
    <message>
        <source>Copy the translation</source>
        <translation>نسخ الترجمة</translation>
    </message>
    <message>
        <source>Save as picture, PDF or text</source>
        <translation>حفظ صورةً أو PDF أو نصًا</translation>
    </message>
    <message>
        <source>Translate again</source>
        <translation>ترجمة من جديد</translation>
    </message>
    <message>
        <source>There is no text in this picture that could be read.</source>
        <translation>لا يوجد في هذه الصورة نص أمكنت قراءته.</translation>
    </message>
    <message>
        <source>This is in {language} already.</source>
        <translation>هذا بهذه اللغة أصلًا: {language}.</translation>
    </message>
    <message>
        <source>Translate the answer</source>
        <translation>ترجمة الإجابة</translation>
    </message>
    <message>
        <source>Not looked yet</source>
        <translation>لم يُنظر بعد</translation>
    </message>
    <message>
        <source>Waiting for a clear picture</source>
        <translation>بانتظار صورة واضحة</translation>
    </message>
    <message>
        <source>{seconds} s ago: {state} ({share:.0%} sure)</source>
        <translation>قبل {seconds} ث: {state} (بثقة {share:.0%})</translation>
    </message>
    <message>
        <source>Waiting for: {things}</source>
        <translation>بانتظار: {things}</translation>
    </message>
    <message>
        <source>it is there</source>
        <translation>موجود</translation>
    </message>
    <message>
        <source>not there</source>
        <translation>غير موجود</translation>
    </message>
    <message>
        <source>Waiting for the camera</source>
        <translation>بانتظار الكاميرا</translation>
    </message>
    <message>
        <source>Another model file…</source>
        <translation>ملف نموذج آخر…</translation>
    </message>
    <message>
        <source>The model that reads the picture</source>
        <translation>النموذج الذي يقرأ الصورة</translation>
    </message>
    <message>
        <source>Take the translation away</source>
        <translation>إزالة الترجمة</translation>
    </message>
    <message>
        <source>Open a model that translates</source>
        <translation>فتح نموذج للترجمة</translation>
    </message>
    <message>
        <source>Translating back</source>
        <translation>جارٍ الترجمة العكسية</translation>
    </message>
    <message>
        <source>Translated back: {text}</source>
        <translation>الترجمة العكسية: {text}</translation>
    </message>
    <message>
        <source>Check by translating back</source>
        <translation>التحقق بالترجمة العكسية</translation>
    </message>
    <message>
        <source>Which model translates the text</source>
        <translation>أي نموذج يترجم النص</translation>
    </message>
    <message>
        <source>Look twice: the number {what} differs or is missing.</source>
        <translation>تحقق: العدد {what} مختلف أو مفقود.</translation>
    </message>
    <message>
        <source>Look twice: the currency {what} is missing.</source>
        <translation>تحقق: العملة {what} مفقودة.</translation>
    </message>
    <message>
        <source>Look twice: {what} is missing.</source>
        <translation>تحقق: {what} مفقود.</translation>
    </message>
    <message>
        <source>Look twice: the name {what} is missing.</source>
        <translation>تحقق: الاسم {what} مفقود.</translation>
    </message>
    <message>
        <source>Your own word for “{what}” was not used.</source>
        <translation>لم تُستخدم كلمتك الخاصة لـ «{what}».</translation>
    </message>
    <message>
        <source>“{what}” was not translated.</source>
        <translation>لم يُترجم «{what}».</translation>
    </message>
    <message>
        <source>Look twice: the meaning may have changed.</source>
        <translation>تحقق: ربما تغيّر المعنى.</translation>
    </message>
    <message>
        <source>The text in the picture appears here, with its translation.</source>
        <translation>يظهر هنا النص الذي في الصورة مع ترجمته.</translation>
    </message>
    <message>
        <source>Bring a picture with text in it, or write a text below.</source>
        <translation>أحضر صورة فيها نص، أو اكتب نصًا أدناه.</translation>
    </message>
    <message>
        <source>Write a text to translate…</source>
        <translation>اكتب نصًا لترجمته…</translation>
    </message>
    <message>
        <source>Tell me when… (for example: a bus comes)</source>
        <translation>أخبرني بما أراقبه… (مثلًا: a bus comes)</translation>
    </message>
    <message>
        <source>Ask about what the camera sees…</source>
        <translation>اسأل عما تراه الكاميرا…</translation>
    </message>
    <message>
        <source>Ask a follow-up…</source>
        <translation>اسأل سؤالًا آخر…</translation>
    </message>
    <message>
        <source>Ask about the picture…</source>
        <translation>اسأل عن الصورة…</translation>
    </message>
    <message>
        <source>Ask anything…</source>
        <translation>اسأل عن أي شيء…</translation>
    </message>
    <message>
        <source>Runs on this machine. Answers can be wrong.</source>
        <translation>يعمل على هذا الجهاز. قد تكون الإجابات خاطئة.</translation>
    </message>
    <message>
        <source>The video has ended.</source>
        <translation>انتهى الفيديو.</translation>
    </message>
    <message>
        <source>Say it in at most {most} characters.</source>
        <translation>قُله في {most} حرفًا على الأكثر.</translation>
    </message>
    <message>
        <source>This is too long to be watched for.</source>
        <translation>هذا أطول من أن يُراقَب.</translation>
    </message>
    <message>
        <source>Earlier conversations…</source>
        <translation>المحادثات السابقة…</translation>
    </message>
    <message>
        <source>Show {name}</source>
        <translation>عرض {name}</translation>
    </message>
    <message>
        <source>Larger models…</source>
        <translation>نماذج أكبر…</translation>
    </message>
    <message>
        <source>Earlier conversations</source>
        <translation>المحادثات السابقة</translation>
    </message>
    <message>
        <source>No earlier conversation is kept.</source>
        <translation>لا توجد محادثة سابقة محفوظة.</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>حذف</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>فتح</translation>
    </message>
    <message>
        <source>{when}, shown now</source>
        <translation>{when}، معروضة الآن</translation>
    </message>
    <message>
        <source>Needs about {needs} of memory, which is free.</source>
        <translation>يحتاج نحو {needs} من الذاكرة، وهي متاحة.</translation>
    </message>
    <message>
        <source>Needs about {needs} of memory; only {free} are free.</source>
        <translation>يحتاج نحو {needs} من الذاكرة؛ المتاح {free} فقط.</translation>
    </message>
    <message>
        <source>Its page</source>
        <translation>صفحته</translation>
    </message>
    <message>
        <source>Larger models</source>
        <translation>نماذج أكبر</translation>
    </message>
    <message>
        <source>Choose a file…</source>
        <translation>اختيار ملف…</translation>
    </message>
    <message>
        <source>The page of {name} in the browser</source>
        <translation>صفحة {name} في المتصفح</translation>
    </message>
    <message>
        <source>To be converted after it is fetched: {command}</source>
        <translation>يُحوَّل بعد تنزيله: {command}</translation>
    </message>
    <message>
        <source>Models folder</source>
        <translation>مجلد النماذج</translation>
    </message>
    <message>
        <source>The folder {name} cannot be made.</source>
        <translation>لا يمكن إنشاء المجلد {name}.</translation>
    </message>
    <message>
        <source>Check the disk and its permissions.</source>
        <translation>تحقّق من القرص ومن أذوناته.</translation>
    </message>
    <message>
        <source>There is not enough memory left for the model that translates.</source>
        <translation>لم يبقَ من الذاكرة ما يكفي للنموذج الذي يترجم.</translation>
    </message>
    <message>
        <source>Choose a smaller one to translate with, or let the model that reads pictures translate too.</source>
        <translation>اختر نموذجًا أصغر للترجمة، أو دع النموذج الذي يقرأ الصور يترجم أيضًا.</translation>
    </message>
    <message>
        <source>Choose another model to translate with, or let the model that reads pictures translate too.</source>
        <translation>اختر نموذجًا آخر للترجمة، أو دع النموذج الذي يقرأ الصور يترجم أيضًا.</translation>
    </message>
    <message>
        <source>The starter is small and often wrong. It was taught drawings, not photographs, and only English.</source>
        <translation>نموذج البداية صغير ويخطئ كثيرًا. تعلّم الرسوم، لا الصور الفوتوغرافية، والإنجليزية وحدها.</translation>
    </message>
    <message>
        <source>The conversation as it was is among the earlier ones.</source>
        <translation>المحادثة كما كانت موجودة بين المحادثات السابقة.</translation>
    </message>
    <message>
        <source>This is a new conversation. The one before is among the earlier ones.</source>
        <translation>هذه محادثة جديدة. المحادثة التي قبلها بين المحادثات السابقة.</translation>
    </message>
    <message>
        <source>Use the starter for now</source>
        <translation>استخدام نموذج البداية مؤقتًا</translation>
    </message>
    <message>
        <source>Picture {name} is on the stage</source>
        <translation>الصورة {name} على المنصة</translation>
    </message>
    <message>
        <source>Which bar is the highest?</source>
        <translation>أيّ عمود هو الأعلى؟</translation>
    </message>
    <message>
        <source>What colour are the balloons?</source>
        <translation>ما لون البالونات؟</translation>
    </message>
    <message>
        <source>Save conversation…</source>
        <translation>حفظ المحادثة…</translation>
    </message>
    <message>
        <source>Go to a name on the picture, to the next, ask about it (stage)</source>
        <translation>الانتقال إلى اسم على الصورة ثم إلى التالي والسؤال عنه (المنصة)</translation>
    </message>
    <message>
        <source>You asked, with several pictures: {question}</source>
        <translation>سألت مع عدة صور: {question}</translation>
    </message>
    <message>
        <source>Saved by Spyglass, {date}. Answers can be wrong.</source>
        <translation>حفظها Spyglass، {date}. قد تكون الإجابات خاطئة.</translation>
    </message>
    <message>
        <source>{bad} of {number} files could not be opened.</source>
        <translation>تعذّر فتح {bad} من أصل {number} من الملفات.</translation>
    </message>
    <message>
        <source>The details say why.</source>
        <translation>التفاصيل تبيّن السبب.</translation>
    </message>
    <message>
        <source>Only the first {most} of {number} pictures were opened: no more go with one question.</source>
        <translation>لم تُفتح إلا أول {most} صور من أصل {number}: لا يتسع السؤال الواحد لأكثر من ذلك.</translation>
    </message>
    <message>
        <source>These words were said in no earlier conversation.</source>
        <translation>لم ترد هذه الكلمات في أي محادثة سابقة.</translation>
    </message>
    <message>
        <source>Play again</source>
        <translation>إعادة التشغيل</translation>
    </message>
    <message>
        <source>Find in questions and answers</source>
        <translation>البحث في الأسئلة والإجابات</translation>
    </message>
    <message>
        <source>Deleted: {title}</source>
        <translation>حُذفت: {title}</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>تراجع</translation>
    </message>
    <message>
        <source>{mode} goes on waiting for it when you are back: {things}</source>
        <translation>سيواصل «{mode}» الانتظار عند عودتك: {things}</translation>
    </message>
    <message>
        <source>Try again later; what has been fetched is kept.</source>
        <translation>حاول لاحقًا؛ ما نُزّل محفوظ.</translation>
    </message>
    <message>
        <source>The connection broke off again and again.</source>
        <translation>انقطع الاتصال مرة بعد مرة.</translation>
    </message>
    <message>
        <source>The page of {name} does not list the files that were expected.</source>
        <translation>صفحة {name} لا تذكر الملفات المتوقعة.</translation>
    </message>
    <message>
        <source>Get it from its page.</source>
        <translation>نزّله من صفحته.</translation>
    </message>
    <message>
        <source>{name} could not be written.</source>
        <translation>تعذّرت كتابة {name}.</translation>
    </message>
    <message>
        <source>Check the disk and its permissions; what has been fetched is kept.</source>
        <translation>تحقق من القرص وأذوناته؛ ما نُزّل محفوظ.</translation>
    </message>
    <message>
        <source>{name} needs {wanted} more on the disk, and {free} are free.</source>
        <translation>يحتاج {name} إلى {wanted} أخرى على القرص، والمتاح {free}.</translation>
    </message>
    <message>
        <source>Make room, or choose a smaller model.</source>
        <translation>أفرغ مساحة، أو اختر نموذجًا أصغر.</translation>
    </message>
    <message>
        <source>This model is only given to those who sign in.</source>
        <translation>لا يُعطى هذا النموذج إلا لمن سجّل الدخول.</translation>
    </message>
    <message>
        <source>This model is no longer where it was.</source>
        <translation>لم يعد هذا النموذج في مكانه.</translation>
    </message>
    <message>
        <source>Get it from its page, or choose another.</source>
        <translation>نزّله من صفحته، أو اختر غيره.</translation>
    </message>
    <message>
        <source>Check the clock, and that the system&apos;s certificates are installed (ca-certificates).</source>
        <translation>تحقق من الساعة، ومن أن شهادات النظام مثبّتة (ca-certificates).</translation>
    </message>
    <message>
        <source>The site could not prove who it is.</source>
        <translation>لم يستطع الموقع إثبات هويته.</translation>
    </message>
    <message>
        <source>Check the network and try again; what has been fetched is kept.</source>
        <translation>تحقق من الشبكة وحاول مجددًا؛ ما نُزّل محفوظ.</translation>
    </message>
    <message>
        <source>There is no connection to the site that has the model.</source>
        <translation>لا يوجد اتصال بالموقع الذي فيه النموذج.</translation>
    </message>
    <message>
        <source>What came of {name} is damaged.</source>
        <translation>ما وصل من {name} تالف.</translation>
    </message>
    <message>
        <source>Fetch it again.</source>
        <translation>نزّله مرة أخرى.</translation>
    </message>
    <message>
        <source>A model is being fetched. Nothing else goes over the network.</source>
        <translation>يُنزَّل نموذج الآن. لا شيء غيره يمر عبر الشبكة.</translation>
    </message>
    <message>
        <source>Fetching {share:.0%}</source>
        <translation>يُنزَّل {share:.0%}</translation>
    </message>
    <message>
        <source>perhaps there</source>
        <translation>ربما موجود</translation>
    </message>
    <message>
        <source>{name} is here.</source>
        <translation>وصل {name}.</translation>
    </message>
    <message>
        <source>Use it</source>
        <translation>استخدمه</translation>
    </message>
    <message>
        <source>“Get” fetches a model from its page on Hugging Face; its licence holds for you. Nothing else is fetched or sent. Or put a model of your own and its projector (mmproj) into one folder, and choose the model&apos;s file here.</source>
        <translation>يجلب زر «تنزيل» النموذج من صفحته على Hugging Face؛ وتسري عليك رخصته. ولا يُنزَّل أو يُرسَل شيء غير ذلك. أو ضع نموذجًا لديك ومُسقِطه (mmproj) في مجلد واحد، واختر ملف النموذج هنا.</translation>
    </message>
    <message>
        <source>{came} of {whole}, about {minutes} min left</source>
        <translation>{came} من {whole}، بقي نحو {minutes} دقيقة</translation>
    </message>
    <message>
        <source>Asking for it…</source>
        <translation>جارٍ الطلب…</translation>
    </message>
    <message>
        <source>{came} of {whole}</source>
        <translation>{came} من {whole}</translation>
    </message>
    <message>
        <source>{came} of {whole}, less than a minute left</source>
        <translation>{came} من {whole}، بقي أقل من دقيقة</translation>
    </message>
    <message>
        <source>Get</source>
        <translation>تنزيل</translation>
    </message>
    <message>
        <source>Get {name}</source>
        <translation>تنزيل {name}</translation>
    </message>
    <message>
        <source>Stop fetching {name}</source>
        <translation>إيقاف تنزيل {name}</translation>
    </message>
    <message>
        <source>Use {name}</source>
        <translation>استخدام {name}</translation>
    </message>
    <message>
        <source>Show it again</source>
        <translation>إظهارها مجددًا</translation>
    </message>
    <message>
        <source>Copy the picture itself and paste it here, or save it to a file and open that.</source>
        <translation>انسخ الصورة نفسها والصقها هنا، أو احفظها في ملف وافتحه.</translation>
    </message>
    <message>
        <source>There is nothing to paste.</source>
        <translation>لا يوجد شيء للصقه.</translation>
    </message>
    <message>
        <source>Copy a picture, a file or a text first.</source>
        <translation>انسخ أولًا صورة أو ملفًا أو نصًا.</translation>
    </message>
    <message>
        <source>What is this?</source>
        <translation>ما هذا؟</translation>
    </message>
    <message>
        <source>Save it in another folder or by another name.</source>
        <translation>احفظها في مجلد آخر أو باسم آخر.</translation>
    </message>
    <message>
        <source>{name} could not be saved: nothing may be written to that folder.</source>
        <translation>تعذّر حفظ {name}: لا يُسمح بالكتابة في ذلك المجلد.</translation>
    </message>
    <message>
        <source>Save it in another folder.</source>
        <translation>احفظها في مجلد آخر.</translation>
    </message>
    <message>
        <source>{name} could not be saved: the disk is full.</source>
        <translation>تعذّر حفظ {name}: القرص ممتلئ.</translation>
    </message>
    <message>
        <source>Make room on the disk, or save it on another one.</source>
        <translation>أفرغ مساحة على القرص، أو احفظها على قرص آخر.</translation>
    </message>
    <message>
        <source>Save conversation</source>
        <translation>حفظ المحادثة</translation>
    </message>
    <message>
        <source>Web page</source>
        <translation>صفحة ويب</translation>
    </message>
    <message>
        <source>The defaults hold again. Your models and languages, and what is kept on disk, stay as they are.</source>
        <translation>عادت الإعدادات الافتراضية. تبقى نماذجك ولغاتك وما يُحفظ على القرص كما هي.</translation>
    </message>
    <message>
        <source>The settings are as they were.</source>
        <translation>عادت الإعدادات إلى ما كانت عليه.</translation>
    </message>
    <message>
        <source>Reset to defaults</source>
        <translation>استعادة الإعدادات الافتراضية</translation>
    </message>
    <message>
        <source>Discard changes</source>
        <translation>تجاهل التغييرات</translation>
    </message>
    <message>
        <source>Copy the text that was read</source>
        <translation>نسخ النص المقروء</translation>
    </message>
    <message>
        <source>Swap the languages</source>
        <translation>تبديل اللغتين</translation>
    </message>
    <message>
        <source>Original</source>
        <translation>الأصل</translation>
    </message>
    <message>
        <source>The text was not read to its end.</source>
        <translation>لم يُقرأ النص حتى نهايته.</translation>
    </message>
    <message>
        <source>The text was not translated to its end.</source>
        <translation>لم يُترجم النص حتى نهايته.</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>تم النسخ</translation>
    </message>
    <message>
        <source>{what} Of {number} files only the first {most} were tried: no more go with one question.</source>
        <translation>{what} لم تُجرَّب إلا أول {most} ملفات من أصل {number}: لا يتسع السؤال الواحد لأكثر من ذلك.</translation>
    </message>
    <message>
        <source>No more than {most} pictures go with one question.</source>
        <translation>لا يتسع السؤال الواحد لأكثر من {most} صور.</translation>
    </message>
    <message>
        <source>Remove one of them, or send the question first.</source>
        <translation>أزِل إحداها، أو أرسِل السؤال أولاً.</translation>
    </message>
    <message>
        <source>The starter was taught English only.</source>
        <translation>نموذج البداية تعلّم الإنجليزية وحدها.</translation>
    </message>
    <message>
        <source>Ask in English, or choose a larger model.</source>
        <translation>اسأل بالإنجليزية، أو اختر نموذجًا أكبر.</translation>
    </message>
    <message>
        <source>This system has no program that speaks.</source>
        <translation>لا يوجد في هذا النظام برنامج ينطق النصوص.</translation>
    </message>
    <message>
        <source>Install speech-dispatcher or espeak-ng.</source>
        <translation>ثبّت speech-dispatcher أو espeak-ng.</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>النموذج</translation>
    </message>
    <message>
        <source>A model&apos;s name, or the path of its GGUF file.</source>
        <translation>اسم نموذج، أو مسار ملف GGUF الخاص به.</translation>
    </message>
    <message>
        <source>Projector</source>
        <translation>المُسقِط</translation>
    </message>
    <message>
        <source>The path of the projector (mmproj) file; empty: the one that lies beside the model.</source>
        <translation>مسار ملف المُسقِط (mmproj)؛ فارغ: الملف الموجود بجانب النموذج.</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>المحرك</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>السياق</translation>
    </message>
    <message>
        <source>Tokens of conversation and pictures the model keeps in view; 0: as many as fit, up to the model&apos;s default.</source>
        <translation>وحدات المحادثة والصور التي يبقيها النموذج في نظره؛ ٠: بقدر ما يتسع، حتى القيمة الافتراضية للنموذج.</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>وحدة</translation>
    </message>
    <message>
        <source>KV cache</source>
        <translation>ذاكرة KV</translation>
    </message>
    <message>
        <source>How keys and values are stored; 8 bits take half the memory and lose a little precision.</source>
        <translation>كيفية تخزين المفاتيح والقيم؛ ٨ بتات تأخذ نصف الذاكرة وتفقد قليلًا من الدقة.</translation>
    </message>
    <message>
        <source>16 bits</source>
        <translation>١٦ بت</translation>
    </message>
    <message>
        <source>8 bits</source>
        <translation>٨ بتات</translation>
    </message>
    <message>
        <source>Flash attention</source>
        <translation>Flash Attention</translation>
    </message>
    <message>
        <source>Attention without the whole score matrix in memory.</source>
        <translation>حساب الانتباه من دون إبقاء مصفوفة الدرجات كاملة في الذاكرة.</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>تلقائي</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>معطّل</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>الخيوط</translation>
    </message>
    <message>
        <source>Processor threads; 0: chosen from the machine.</source>
        <translation>خيوط المعالج؛ ٠: تُختار حسب الجهاز.</translation>
    </message>
    <message>
        <source>Layers on the GPU</source>
        <translation>الطبقات على معالج الرسوميات</translation>
    </message>
    <message>
        <source>-1: as many as fit if there is a GPU; 0: none.</source>
        <translation>‎-١: بقدر ما يتسع إن وُجد معالج رسوميات؛ ٠: لا شيء.</translation>
    </message>
    <message>
        <source>Vision tower</source>
        <translation>برج الرؤية</translation>
    </message>
    <message>
        <source>Llama 3.2 Vision only: fast leaves a picture&apos;s missing tiles out, which is quicker and slightly different.</source>
        <translation>لـ Llama 3.2 Vision فقط: «سريع» يحذف البلاطات الناقصة من الصورة، وهو أسرع ومختلف قليلًا.</translation>
    </message>
    <message>
        <source>Exact</source>
        <translation>دقيق</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>سريع</translation>
    </message>
    <message>
        <source>Memory limit</source>
        <translation>حد الذاكرة</translation>
    </message>
    <message>
        <source>Memory the engine process may take before it is ended; 0: no limit of its own.</source>
        <translation>الذاكرة التي يجوز للمحرك أخذها قبل إنهائه؛ ٠: بلا حد خاص.</translation>
    </message>
    <message>
        <source>MiB</source>
        <translation>MiB</translation>
    </message>
    <message>
        <source>Picture cache in memory</source>
        <translation>ذاكرة الصور المؤقتة</translation>
    </message>
    <message>
        <source>Pictures looked at are remembered, so that a second question need not look again.</source>
        <translation>تُحفظ الصور المنظور إليها، فلا يحتاج سؤال ثانٍ إلى النظر من جديد.</translation>
    </message>
    <message>
        <source>Picture cache on disk</source>
        <translation>مخزن الصور المؤقت على القرص</translation>
    </message>
    <message>
        <source>The same between two starts of the program; 0: pictures leave no trace on disk.</source>
        <translation>الأمر نفسه بين تشغيلين للبرنامج؛ ٠: لا تترك الصور أثرًا على القرص.</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>الإجابات</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>درجة الحرارة</translation>
    </message>
    <message>
        <source>0: always the likeliest word, so the same question gets the same answer; higher: more varied.</source>
        <translation>٠: دائمًا الكلمة الأرجح، فيحصل السؤال نفسه على الإجابة نفسها؛ أعلى: أكثر تنوعًا.</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Only the likeliest words that together have this probability; 1: all. Needs a temperature above 0.</source>
        <translation>الكلمات الأرجح التي لها معًا هذا الاحتمال فقط؛ ١: كلها. يحتاج إلى درجة حرارة أعلى من ٠.</translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation>Min-p</translation>
    </message>
    <message>
        <source>Only words at least this likely relative to the likeliest; 0: all. Needs a temperature above 0.</source>
        <translation>الكلمات التي لا يقل احتمالها عن هذا نسبةً إلى الأرجح فقط؛ ٠: كلها. يحتاج إلى درجة حرارة أعلى من ٠.</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>البذرة</translation>
    </message>
    <message>
        <source>The same seed gives the same answer again; 0: another one each time. Needs a temperature above 0.</source>
        <translation>البذرة نفسها تعطي الإجابة نفسها من جديد؛ ٠: إجابة مختلفة كل مرة. يحتاج إلى درجة حرارة أعلى من ٠.</translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation>أطول إجابة</translation>
    </message>
    <message>
        <source>An answer ends here at the latest.</source>
        <translation>تنتهي الإجابة هنا على الأكثر.</translation>
    </message>
    <message>
        <source>Conversations on disk</source>
        <translation>المحادثات على القرص</translation>
    </message>
    <message>
        <source>Conversations and their pictures are kept on this machine; the oldest go when this is full. 0: none is kept.</source>
        <translation>تُحفظ المحادثات وصورها على هذا الجهاز؛ وعند امتلاء المساحة تُحذف الأقدم. 0: لا يُحفظ شيء.</translation>
    </message>
    <message>
        <source>The code of a language, such as fr. Translate keeps the one chosen last here. Empty: your own.</source>
        <translation>رمز لغة، مثل fr. يحفظ وضع الترجمة هنا آخر لغة اختيرت. إذا تُرك فارغًا: لغتك.</translation>
    </message>
    <message>
        <source>Translator</source>
        <translation>المترجم</translation>
    </message>
    <message>
        <source>Another model for the text, by name or path; it need not see. Empty: the one that reads the picture.</source>
        <translation>نموذج آخر للنص، بالاسم أو المسار؛ لا يلزم أن يرى. فارغ: النموذج الذي يقرأ الصورة.</translation>
    </message>
    <message>
        <source>Every translation is translated back, to show where the meaning may have changed. Takes twice as long.</source>
        <translation>تُترجَم كل ترجمة عكسيًا لإظهار المواضع التي ربما تغيّر فيها المعنى. يستغرق ضعف الوقت.</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>النافذة</translation>
    </message>
    <message>
        <source>Send with</source>
        <translation>الإرسال بواسطة</translation>
    </message>
    <message>
        <source>The other one begins a new line.</source>
        <translation>يبدأ المفتاح الآخر سطرًا جديدًا.</translation>
    </message>
    <message>
        <source>Enter</source>
        <translation>Enter</translation>
    </message>
    <message>
        <source>Ctrl+Enter</source>
        <translation>Ctrl+Enter</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>المظهر</translation>
    </message>
    <message>
        <source>Light, dark, or as the system says.</source>
        <translation>فاتح أو داكن أو حسب النظام.</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>حسب النظام</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>فاتح</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>داكن</translation>
    </message>
    <message>
        <source>Resolution</source>
        <translation>الدقة</translation>
    </message>
    <message>
        <source>What the camera is asked for; it takes what comes nearest.</source>
        <translation>ما يُطلب من الكاميرا؛ وهي تأخذ الأقرب إليه.</translation>
    </message>
    <message>
        <source>Frames a second</source>
        <translation>الصور في الثانية</translation>
    </message>
    <message>
        <source>Fewer keep the machine cooler.</source>
        <translation>العدد الأقل يبقي الجهاز أبرد.</translation>
    </message>
    <message>
        <source>Speak</source>
        <translation>النطق</translation>
    </message>
    <message>
        <source>Hints such as “hold still”, the names that are found and what was watched for are said aloud.</source>
        <translation>تُنطق التنبيهات مثل «اثبت» والأسماء التي يُعثر عليها وما رُوقب.</translation>
    </message>
    <message>
        <source>Show figures</source>
        <translation>إظهار الأرقام</translation>
    </message>
    <message>
        <source>How fast the camera and the model are, and why frames were left out, in a corner of the live picture.</source>
        <translation>سرعة الكاميرا والنموذج، وسبب ترك بعض الصور، في زاوية الصورة المباشرة.</translation>
    </message>
    <message>
        <source>Keep what was watched for</source>
        <translation>الاحتفاظ بما رُوقب</translation>
    </message>
    <message>
        <source>A picture of it goes into the conversation, with the time.</source>
        <translation>تُضاف صورة منه إلى المحادثة مع الوقت.</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>اللغة</translation>
    </message>
    <message>
        <source>The language of menus and messages.</source>
        <translation>لغة القوائم والرسائل.</translation>
    </message>
</context>
</TS>
