<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN" sourcelanguage="en">
<context>
    <name>Region</name>
    <message>
        <source>Draw a rectangle around the part of the screen; Escape to give up</source>
        <translation>请在屏幕上框选一个区域；按 Esc 取消</translation>
    </message>
</context>
<context>
    <name>Wording</name>
    <message>
        <source>The camera sends something that is not a picture.</source>
        <translation>摄像头发送的内容不是图片。</translation>
    </message>
    <message>
        <source>Use another camera.</source>
        <translation>请使用其他摄像头。</translation>
    </message>
    <message>
        <source>Opening the camera</source>
        <translation>正在打开摄像头</translation>
    </message>
    <message>
        <source>The camera has sent no picture for {seconds} seconds.</source>
        <translation>摄像头已有 {seconds} 秒没有发送图片。</translation>
    </message>
    <message>
        <source>Check its cable or its network.</source>
        <translation>请检查它的连接线或网络。</translation>
    </message>
    <message>
        <source>The camera cannot be read.</source>
        <translation>无法读取摄像头。</translation>
    </message>
    <message>
        <source>Unplug it and plug it in again.</source>
        <translation>请拔下后重新插上。</translation>
    </message>
    <message>
        <source>Live</source>
        <translation>实时</translation>
    </message>
    <message>
        <source>The camera is off</source>
        <translation>摄像头已关闭</translation>
    </message>
    <message>
        <source>The video has ended</source>
        <translation>视频已结束</translation>
    </message>
    <message>
        <source>Opening the camera again</source>
        <translation>正在重新打开摄像头</translation>
    </message>
    <message>
        <source>There is nothing to save yet.</source>
        <translation>还没有可保存的内容。</translation>
    </message>
    <message>
        <source>Wait until the camera shows a picture.</source>
        <translation>请等到摄像头显示图像。</translation>
    </message>
    <message>
        <source>The clip could not be saved.</source>
        <translation>无法保存片段。</translation>
    </message>
    <message>
        <source>Check that the folder can be written.</source>
        <translation>请检查文件夹是否可写。</translation>
    </message>
    <message>
        <source>Open a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF, BMP, JPEG 2000 or PPM picture.</source>
        <translation>请打开 JPEG、PNG、WebP、HEIC、AVIF、GIF、TIFF、BMP、JPEG 2000 或 PPM 图片。</translation>
    </message>
    <message>
        <source>{name} is not a picture that Spyglass can read.</source>
        <translation>{name} 不是 Spyglass 能读取的图片。</translation>
    </message>
    <message>
        <source>Spyglass does not fetch pictures from addresses.</source>
        <translation>Spyglass 不会从网址获取图片。</translation>
    </message>
    <message>
        <source>Save the picture to a file and open that.</source>
        <translation>请将图片保存为文件后再打开。</translation>
    </message>
    <message>
        <source>Choose another picture.</source>
        <translation>请选择其他图片。</translation>
    </message>
    <message>
        <source>Save the picture smaller.</source>
        <translation>请将图片保存得小一些。</translation>
    </message>
    <message>
        <source>Choose a picture inside it.</source>
        <translation>请选择其中的一张图片。</translation>
    </message>
    <message>
        <source>Choose a picture file.</source>
        <translation>请选择一个图片文件。</translation>
    </message>
    <message>
        <source>{name} is an SVG drawing, which has no pixels.</source>
        <translation>{name} 是 SVG 图形，没有像素。</translation>
    </message>
    <message>
        <source>{name} is a PDF document.</source>
        <translation>{name} 是 PDF 文档。</translation>
    </message>
    <message>
        <source>{name} has {width} x {height} = {millions:.0f} million pixels; {most:.0f} are the most.</source>
        <translation>{name} 有 {width} × {height} = {millions:.0f} 百万像素；最多为 {most:.0f} 百万。</translation>
    </message>
    <message>
        <source>Check its name and folder.</source>
        <translation>请检查名称和文件夹。</translation>
    </message>
    <message>
        <source>Change its permissions or copy it.</source>
        <translation>请更改其权限或复制一份。</translation>
    </message>
    <message>
        <source>Check the path and the disk.</source>
        <translation>请检查路径和磁盘。</translation>
    </message>
    <message>
        <source>{name} is empty.</source>
        <translation>{name} 是空的。</translation>
    </message>
    <message>
        <source>{name} has more than {size} MiB.</source>
        <translation>{name} 超过 {size} MiB。</translation>
    </message>
    <message>
        <source>Get it again, or save it anew in another program.</source>
        <translation>请重新获取，或在其他程序中重新保存。</translation>
    </message>
    <message>
        <source>{name} is a folder.</source>
        <translation>{name} 是文件夹。</translation>
    </message>
    <message>
        <source>{name} is a pipe or a device, not a file.</source>
        <translation>{name} 是管道或设备，不是文件。</translation>
    </message>
    <message>
        <source>Open it in another program and save it there as a PNG picture.</source>
        <translation>请在其他程序中打开它，并另存为 PNG 图片。</translation>
    </message>
    <message>
        <source>Open it in another program and save the page there as a PNG picture.</source>
        <translation>请在其他程序中打开它，并将所需页面另存为 PNG 图片。</translation>
    </message>
    <message>
        <source>There is no file {name}.</source>
        <translation>没有文件 {name}。</translation>
    </message>
    <message>
        <source>You may not read {name}.</source>
        <translation>您无权读取 {name}。</translation>
    </message>
    <message>
        <source>{name} cannot be read.</source>
        <translation>无法读取 {name}。</translation>
    </message>
    <message>
        <source>{name} is damaged or cut short.</source>
        <translation>{name} 已损坏或不完整。</translation>
    </message>
    <message>
        <source>The camera shows only black. Is it covered?</source>
        <translation>摄像头只显示黑色。镜头被遮住了吗？</translation>
    </message>
    <message>
        <source>It is too dark.</source>
        <translation>太暗了。</translation>
    </message>
    <message>
        <source>It is too bright.</source>
        <translation>太亮了。</translation>
    </message>
    <message>
        <source>Out of focus. Hold still, or move back a little.</source>
        <translation>没有对上焦。请保持不动，或稍微后退。</translation>
    </message>
    <message>
        <source>Hold still.</source>
        <translation>请保持不动。</translation>
    </message>
    <message>
        <source>Nothing has changed.</source>
        <translation>没有变化。</translation>
    </message>
    <message>
        <source>This desktop lets no program look at the screen by itself.</source>
        <translation>此桌面不允许程序自行查看屏幕。</translation>
    </message>
    <message>
        <source>Take a screenshot with the desktop&apos;s own key and paste it here.</source>
        <translation>请用桌面的截图键截取屏幕，然后粘贴到这里。</translation>
    </message>
    <message>
        <source>The screen cannot be seen.</source>
        <translation>无法查看屏幕。</translation>
    </message>
    <message>
        <source>Take a screenshot and paste it here.</source>
        <translation>请截取屏幕，然后粘贴到这里。</translation>
    </message>
    <message>
        <source>Check the name, or name a camera instead.</source>
        <translation>请检查名称，或改为指定摄像头。</translation>
    </message>
    <message>
        <source>There is no file or folder &quot;{name}&quot;.</source>
        <translation>没有文件或文件夹“{name}”。</translation>
    </message>
    <message>
        <source>Close other programs that use the camera, or unplug it and plug it in again.</source>
        <translation>请关闭其他正在使用摄像头的程序，或拔下后重新插上。</translation>
    </message>
    <message>
        <source>Add your account to the group &quot;video&quot; and log in again.</source>
        <translation>请将您的账户加入“video”组，然后重新登录。</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; stopped delivering.</source>
        <translation>摄像头“{name}”停止发送图像。</translation>
    </message>
    <message>
        <source>Check its cable, or plug it in again.</source>
        <translation>请检查连接线，或重新插上。</translation>
    </message>
    <message>
        <source>No camera was found.</source>
        <translation>未找到摄像头。</translation>
    </message>
    <message>
        <source>Plug one in, or give a video file or the address of a network camera.</source>
        <translation>请接入一个摄像头，或指定视频文件或网络摄像头的地址。</translation>
    </message>
    <message>
        <source>There is no camera called &quot;{name}&quot;.</source>
        <translation>没有名为“{name}”的摄像头。</translation>
    </message>
    <message>
        <source>Plug it in, or use one of these: {names}.</source>
        <translation>请接入它，或使用其中之一：{names}。</translation>
    </message>
    <message>
        <source>Plug it in.</source>
        <translation>请接入它。</translation>
    </message>
    <message>
        <source>Allow it under Settings, Privacy &amp; security, Camera.</source>
        <translation>请在“设置”的“隐私和安全性”中的“相机”里允许。</translation>
    </message>
    <message>
        <source>Allow it under System Settings, Privacy &amp; Security, Camera.</source>
        <translation>请在“系统设置”的“隐私与安全性”中的“摄像头”里允许。</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; could not be opened.</source>
        <translation>无法打开摄像头“{name}”。</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; is not there.</source>
        <translation>摄像头“{name}”不在。</translation>
    </message>
    <message>
        <source>This account may not use the camera &quot;{name}&quot;.</source>
        <translation>此账户无权使用摄像头“{name}”。</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; was unplugged.</source>
        <translation>摄像头“{name}”已被拔下。</translation>
    </message>
    <message>
        <source>Plug it in again.</source>
        <translation>请重新接入。</translation>
    </message>
    <message>
        <source>{one} {other}</source>
        <translation>{one}{other}</translation>
    </message>
    <message>
        <source>The camera &quot;{name}&quot; is busy.</source>
        <translation>摄像头“{name}”正被占用。</translation>
    </message>
    <message>
        <source>Take it out of the folder.</source>
        <translation>请将它移出文件夹。</translation>
    </message>
    <message>
        <source>Try another file.</source>
        <translation>请尝试其他文件。</translation>
    </message>
    <message>
        <source>Choose a folder of JPEG or PNG files.</source>
        <translation>请选择包含 JPEG 或 PNG 文件的文件夹。</translation>
    </message>
    <message>
        <source>&quot;{name}&quot; is not a picture that can be read.</source>
        <translation>“{name}”不是可读取的图片。</translation>
    </message>
    <message>
        <source>&quot;{name}&quot; is not a video that can be read.</source>
        <translation>“{name}”不是可读取的视频。</translation>
    </message>
    <message>
        <source>There is no picture in &quot;{name}&quot;.</source>
        <translation>“{name}”中没有图片。</translation>
    </message>
    <message>
        <source>Give an address that starts with rtsp:// or http://.</source>
        <translation>请输入以 rtsp:// 或 http:// 开头的地址。</translation>
    </message>
    <message>
        <source>The address of the stream names no machine.</source>
        <translation>视频流的地址中没有主机名。</translation>
    </message>
    <message>
        <source>Write it like http://192.168.0.20:8080/video.</source>
        <translation>请这样书写：http://192.168.0.20:8080/video。</translation>
    </message>
    <message>
        <source>The stream from {host} broke off.</source>
        <translation>来自 {host} 的视频流中断了。</translation>
    </message>
    <message>
        <source>Check that the camera is on and in reach.</source>
        <translation>请检查摄像头是否已打开并可连接。</translation>
    </message>
    <message>
        <source>Write the address like http://name:password@host/.</source>
        <translation>请这样书写地址：http://名称:密码@主机/。</translation>
    </message>
    <message>
        <source>Spyglass cannot read &quot;{scheme}&quot; streams.</source>
        <translation>Spyglass 无法读取“{scheme}”视频流。</translation>
    </message>
    <message>
        <source>Check the address, and that the camera is on and in the same network.</source>
        <translation>请检查地址，并确认摄像头已打开且在同一网络中。</translation>
    </message>
    <message>
        <source>The camera at {host} wants a password.</source>
        <translation>{host} 上的摄像头需要密码。</translation>
    </message>
    <message>
        <source>Nothing that is a video answers at {host}.</source>
        <translation>{host} 上没有视频应答。</translation>
    </message>
    <message>
        <source>What is typed could not be saved.</source>
        <translation>无法保存已输入的内容。</translation>
    </message>
    <message>
        <source>The conversation could not be saved; it is there until the program ends.</source>
        <translation>无法保存对话；它只保留到程序结束。</translation>
    </message>
    <message>
        <source>Check the disk and the permissions of the folder for conversations.</source>
        <translation>请检查磁盘和对话文件夹的权限。</translation>
    </message>
    <message>
        <source>This conversation cannot be read.</source>
        <translation>无法读取此对话。</translation>
    </message>
    <message>
        <source>Choose another one, or begin a new one.</source>
        <translation>请选择另一个，或开始新的对话。</translation>
    </message>
    <message>
        <source>The conversation could not be deleted.</source>
        <translation>无法删除此对话。</translation>
    </message>
    <message>
        <source>Check the permissions of the folder for conversations.</source>
        <translation>请检查对话文件夹的权限。</translation>
    </message>
    <message>
        <source>The model computes nonsense instead of an answer.</source>
        <translation>模型计算出的是无意义的内容，而不是回答。</translation>
    </message>
    <message>
        <source>Its file may be damaged: download or convert it again.</source>
        <translation>其文件可能已损坏：请重新下载或转换。</translation>
    </message>
    <message>
        <source>The engine ran out of memory.</source>
        <translation>引擎内存不足。</translation>
    </message>
    <message>
        <source>Choose a smaller model, a shorter context or a smaller picture.</source>
        <translation>请选择更小的模型、更短的上下文或更小的图片。</translation>
    </message>
    <message>
        <source>The engine made an internal error.</source>
        <translation>引擎发生内部错误。</translation>
    </message>
    <message>
        <source>Ask again; if it happens again, please report it with the details.</source>
        <translation>请再问一次；如果再次发生，请附上详细信息报告。</translation>
    </message>
    <message>
        <source>The engine has been closed.</source>
        <translation>引擎已关闭。</translation>
    </message>
    <message>
        <source>Start Spyglass again.</source>
        <translation>请重新启动 Spyglass。</translation>
    </message>
    <message>
        <source>The question cannot be handed to the engine.</source>
        <translation>无法将问题交给引擎。</translation>
    </message>
    <message>
        <source>Ask with smaller pictures or in a new conversation.</source>
        <translation>请使用更小的图片，或在新对话中提问。</translation>
    </message>
    <message>
        <source>The engine&apos;s client failed.</source>
        <translation>与引擎的连接出现故障。</translation>
    </message>
    <message>
        <source>Ask again; if it happens again with this model, its file may be damaged or too new: try another model.</source>
        <translation>请再问一次；如果此模型再次出现问题，其文件可能已损坏或版本太新：请尝试其他模型。</translation>
    </message>
    <message>
        <source>Close other programs, or choose a smaller model or a shorter context, and ask again.</source>
        <translation>请关闭其他程序，或选择更小的模型或更短的上下文，然后再问一次。</translation>
    </message>
    <message>
        <source>Start Spyglass again; if that does not help, install it again.</source>
        <translation>请重新启动 Spyglass；如果仍然不行，请重新安装。</translation>
    </message>
    <message>
        <source>The engine sent something that makes no sense and was ended.</source>
        <translation>引擎发送了无法理解的内容，已被结束。</translation>
    </message>
    <message>
        <source>The engine stopped responding and was ended.</source>
        <translation>引擎停止响应，已被结束。</translation>
    </message>
    <message>
        <source>The engine made no progress for a long time and was ended.</source>
        <translation>引擎长时间没有进展，已被结束。</translation>
    </message>
    <message>
        <source>The engine used more memory than it is allowed and was ended.</source>
        <translation>引擎使用的内存超过允许的范围，已被结束。</translation>
    </message>
    <message>
        <source>Spyglass was updated while it was running.</source>
        <translation>Spyglass 在运行期间被更新了。</translation>
    </message>
    <message>
        <source>Close Spyglass and start it again.</source>
        <translation>请关闭 Spyglass 后重新启动。</translation>
    </message>
    <message>
        <source>The engine could not be started.</source>
        <translation>无法启动引擎。</translation>
    </message>
    <message>
        <source>The engine was ended by the system, most likely because memory ran out.</source>
        <translation>系统结束了引擎，很可能是因为内存耗尽。</translation>
    </message>
    <message>
        <source>The engine could not get the memory it needed.</source>
        <translation>引擎未能获得所需的内存。</translation>
    </message>
    <message>
        <source>The engine crashed in its native code.</source>
        <translation>引擎在其本机代码中崩溃。</translation>
    </message>
    <message>
        <source>The engine ended itself because one of its internal checks failed.</source>
        <translation>引擎因内部检查失败而自行结束。</translation>
    </message>
    <message>
        <source>The engine ended itself, most likely because it could not get more memory.</source>
        <translation>引擎自行结束，很可能是因为无法获得更多内存。</translation>
    </message>
    <message>
        <source>The engine was built for a newer processor than the one in this computer.</source>
        <translation>引擎是为比本机更新的处理器构建的。</translation>
    </message>
    <message>
        <source>Install the build of Spyglass that runs on every processor.</source>
        <translation>请安装可在所有处理器上运行的 Spyglass 版本。</translation>
    </message>
    <message>
        <source>The engine could not read on in the model file: the file became shorter or its disk failed.</source>
        <translation>引擎无法继续读取模型文件：文件变短了，或磁盘出现故障。</translation>
    </message>
    <message>
        <source>Check the disk, then download or copy the model again.</source>
        <translation>请检查磁盘，然后重新下载或复制模型。</translation>
    </message>
    <message>
        <source>A library that the engine needs is missing or does not fit this system.</source>
        <translation>引擎所需的库缺失或不适合此系统。</translation>
    </message>
    <message>
        <source>The engine was stopped from outside Spyglass.</source>
        <translation>引擎被外部停止。</translation>
    </message>
    <message>
        <source>Ask again; the engine starts anew by itself.</source>
        <translation>请再问一次；引擎会自行重新启动。</translation>
    </message>
    <message>
        <source>The engine ended unexpectedly.</source>
        <translation>引擎意外结束。</translation>
    </message>
    <message>
        <source>A quantised KV cache needs flash attention.</source>
        <translation>量化的 KV 缓存需要 Flash Attention。</translation>
    </message>
    <message>
        <source>Turn it on, or choose the f16 cache.</source>
        <translation>请启用它，或选择 f16 缓存。</translation>
    </message>
    <message>
        <source>The prompt is empty.</source>
        <translation>提示为空。</translation>
    </message>
    <message>
        <source>Write one.</source>
        <translation>请写一个。</translation>
    </message>
    <message>
        <source>Give one picture a mark.</source>
        <translation>请为每张图片加一个标记。</translation>
    </message>
    <message>
        <source>The prompt shows {marks} pictures, but there are {count}.</source>
        <translation>提示中有 {marks} 张图片的标记，但图片有 {count} 张。</translation>
    </message>
    <message>
        <source>Choose a model of that kind, or let the program choose how to run this one.</source>
        <translation>请选择该类型的模型，或让程序选择如何运行此模型。</translation>
    </message>
    <message>
        <source>Join the parts with llama-gguf-split --merge.</source>
        <translation>请用 llama-gguf-split --merge 合并各部分。</translation>
    </message>
    <message>
        <source>{name} is not a Llama 3.2 Vision model.</source>
        <translation>{name} 不是 Llama 3.2 Vision 模型。</translation>
    </message>
    <message>
        <source>{name} is one part of a model in several files.</source>
        <translation>{name} 是多文件模型的一部分。</translation>
    </message>
    <message>
        <source>Download or convert the model again.</source>
        <translation>请重新下载或转换模型。</translation>
    </message>
    <message>
        <source>The sizes written in {name} contradict one another.</source>
        <translation>{name} 中记录的尺寸互相矛盾。</translation>
    </message>
    <message>
        <source>The library that runs models has no code for this processor.</source>
        <translation>运行模型的库没有适合此处理器的代码。</translation>
    </message>
    <message>
        <source>Install it again.</source>
        <translation>请重新安装它。</translation>
    </message>
    <message>
        <source>The model&apos;s parts do not fit together.</source>
        <translation>模型的各部分不匹配。</translation>
    </message>
    <message>
        <source>Choose another model file.</source>
        <translation>请选择其他模型文件。</translation>
    </message>
    <message>
        <source>There is not enough memory for the computation.</source>
        <translation>内存不足，无法计算。</translation>
    </message>
    <message>
        <source>Choose a smaller context or close other programs.</source>
        <translation>请选择更小的上下文，或关闭其他程序。</translation>
    </message>
    <message>
        <source>The computation failed.</source>
        <translation>计算失败。</translation>
    </message>
    <message>
        <source>Try again, without the GPU if there is one.</source>
        <translation>请重试；如果有 GPU，请不使用它。</translation>
    </message>
    <message>
        <source>Download or convert it again; if it comes in two files, give both.</source>
        <translation>请重新下载或转换；如果由两个文件组成，请同时提供两个。</translation>
    </message>
    <message>
        <source>The model file {name} is incomplete.</source>
        <translation>模型文件 {name} 不完整。</translation>
    </message>
    <message>
        <source>Download or convert it again.</source>
        <translation>请重新下载或转换。</translation>
    </message>
    <message>
        <source>The model file {name} does not fit its own description.</source>
        <translation>模型文件 {name} 与其自身的描述不符。</translation>
    </message>
    <message>
        <source>A picture of this conversation is missing.</source>
        <translation>此对话中缺少一张图片。</translation>
    </message>
    <message>
        <source>Add it again.</source>
        <translation>请重新添加。</translation>
    </message>
    <message>
        <source>Start a new conversation, or choose a larger context in the settings.</source>
        <translation>请开始新对话，或在设置中选择更大的上下文。</translation>
    </message>
    <message>
        <source>The conversation is {tokens} tokens long, but the context holds {context}.</source>
        <translation>对话长 {tokens} 个词元，但上下文只能容纳 {context} 个。</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary does not fit its weights.</source>
        <translation>模型的词表与其权重不符。</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary is not Llama 3&apos;s.</source>
        <translation>模型的词表不是 Llama 3 的词表。</translation>
    </message>
    <message>
        <source>Use another model file.</source>
        <translation>请使用其他模型文件。</translation>
    </message>
    <message>
        <source>Close other programs, or use fewer layers on the GPU.</source>
        <translation>请关闭其他程序，或减少 GPU 上的层数。</translation>
    </message>
    <message>
        <source>{size} MiB for the model could not be had.</source>
        <translation>无法为模型获得 {size} MiB 内存。</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary cannot read this text.</source>
        <translation>模型的词表无法读取此文字。</translation>
    </message>
    <message>
        <source>Use another model.</source>
        <translation>请使用其他模型。</translation>
    </message>
    <message>
        <source>The vocabulary in {name} cannot be read.</source>
        <translation>无法读取 {name} 中的词表。</translation>
    </message>
    <message>
        <source>Wait until it is complete.</source>
        <translation>请等到它完整为止。</translation>
    </message>
    <message>
        <source>The model file {name} changed while it was being opened.</source>
        <translation>模型文件 {name} 在打开期间发生了变化。</translation>
    </message>
    <message>
        <source>Choose the projector that was published with the model.</source>
        <translation>请选择随模型发布的投影器。</translation>
    </message>
    <message>
        <source>Choose the model&apos;s own file, and this one as its projector.</source>
        <translation>请选择模型本身的文件，并将此文件作为其投影器。</translation>
    </message>
    <message>
        <source>Choose the projector that belongs to the model; its name usually begins with mmproj.</source>
        <translation>请选择属于该模型的投影器；其名称通常以 mmproj 开头。</translation>
    </message>
    <message>
        <source>The projector {name} belongs to another model.</source>
        <translation>投影器 {name} 属于另一个模型。</translation>
    </message>
    <message>
        <source>{name} is the vision part of a model, not the model itself.</source>
        <translation>{name} 是模型的视觉部分，不是模型本身。</translation>
    </message>
    <message>
        <source>{name} is not the vision part of a model.</source>
        <translation>{name} 不是模型的视觉部分。</translation>
    </message>
    <message>
        <source>This model cannot see pictures without its projector.</source>
        <translation>没有投影器，此模型无法看图片。</translation>
    </message>
    <message>
        <source>Choose its projector too: the file beside it whose name begins with mmproj.</source>
        <translation>请同时选择其投影器：旁边名称以 mmproj 开头的文件。</translation>
    </message>
    <message>
        <source>A picture of the conversation is missing.</source>
        <translation>对话中缺少一张图片。</translation>
    </message>
    <message>
        <source>Add the picture again.</source>
        <translation>请重新添加图片。</translation>
    </message>
    <message>
        <source>The model&apos;s chat template ends with a picture, not with a question.</source>
        <translation>模型的聊天模板以图片结尾，而不是以问题结尾。</translation>
    </message>
    <message>
        <source>Start a new conversation, show fewer or smaller pictures, or choose a larger context in the settings.</source>
        <translation>请开始新对话，使用更少或更小的图片，或在设置中选择更大的上下文。</translation>
    </message>
    <message>
        <source>Start a new conversation, ask for less at once, or choose a larger context in the settings.</source>
        <translation>请开始新对话，一次少问一些，或在设置中选择更大的上下文。</translation>
    </message>
    <message>
        <source>The conversation has {tokens} tokens, but the model was loaded for {context}.</source>
        <translation>对话有 {tokens} 个词元，但模型是按 {context} 个加载的。</translation>
    </message>
    <message>
        <source>The model cannot prepare this picture.</source>
        <translation>模型无法处理此图片。</translation>
    </message>
    <message>
        <source>Try another picture.</source>
        <translation>请尝试其他图片。</translation>
    </message>
    <message>
        <source>The model could not read the conversation.</source>
        <translation>模型无法读取对话。</translation>
    </message>
    <message>
        <source>Try again.</source>
        <translation>请重试。</translation>
    </message>
    <message>
        <source>Download it again or use another one.</source>
        <translation>请重新下载，或使用其他模型。</translation>
    </message>
    <message>
        <source>Use a chat model.</source>
        <translation>请使用聊天模型。</translation>
    </message>
    <message>
        <source>The model cannot be started.</source>
        <translation>无法启动模型。</translation>
    </message>
    <message>
        <source>Choose a smaller context or another model.</source>
        <translation>请选择更小的上下文或其他模型。</translation>
    </message>
    <message>
        <source>The model does not write text.</source>
        <translation>该模型不写文字。</translation>
    </message>
    <message>
        <source>The model {name} cannot be loaded.</source>
        <translation>无法加载模型 {name}。</translation>
    </message>
    <message>
        <source>The model {name} cannot hold a conversation.</source>
        <translation>模型 {name} 不能进行对话。</translation>
    </message>
    <message>
        <source>The model cannot read this conversation.</source>
        <translation>模型无法读取此对话。</translation>
    </message>
    <message>
        <source>Try another picture or another model.</source>
        <translation>请尝试其他图片或其他模型。</translation>
    </message>
    <message>
        <source>Choose the model&apos;s projector for pictures.</source>
        <translation>请选择该模型用于图片的投影器。</translation>
    </message>
    <message>
        <source>The model could not look at the picture.</source>
        <translation>模型无法查看图片。</translation>
    </message>
    <message>
        <source>The picture takes more tokens than the model reads at once.</source>
        <translation>图片所需的词元多于模型一次能读取的数量。</translation>
    </message>
    <message>
        <source>The projector {name} cannot be used with this model.</source>
        <translation>投影器 {name} 不能与此模型一起使用。</translation>
    </message>
    <message>
        <source>The projector {name} is not for pictures.</source>
        <translation>投影器 {name} 不用于图片。</translation>
    </message>
    <message>
        <source>The model cannot tell the size of a picture.</source>
        <translation>模型无法给出图片的大小。</translation>
    </message>
    <message>
        <source>{size:.0f} MiB</source>
        <translation>{size:.0f} MiB</translation>
    </message>
    <message>
        <source>Close other programs or use a smaller model.</source>
        <translation>请关闭其他程序，或使用更小的模型。</translation>
    </message>
    <message>
        <source>{size:.1f} GiB</source>
        <translation>{size:.1f} GiB</translation>
    </message>
    <message>
        <source>The model needs {needed} of memory, but only {free} are free.</source>
        <translation>模型需要 {needed} 内存，但只有 {free} 可用。</translation>
    </message>
    <message>
        <source>A context of {tokens} tokens needs {needed} of memory, but only {free} are free.</source>
        <translation>{tokens} 个词元的上下文需要 {needed} 内存，但只有 {free} 可用。</translation>
    </message>
    <message>
        <source>Choose a context of {tokens} tokens or fewer, or close other programs.</source>
        <translation>请选择不超过 {tokens} 个词元的上下文，或关闭其他程序。</translation>
    </message>
    <message>
        <source>Install llama-cpp-python 0.3.36 again.</source>
        <translation>请重新安装 llama-cpp-python 0.3.36。</translation>
    </message>
    <message>
        <source>The library that runs models is {name} {found}, but {wanted} is needed.</source>
        <translation>运行模型的库是 {name} {found}，但需要 {wanted}。</translation>
    </message>
    <message>
        <source>The library that runs models is not installed.</source>
        <translation>未安装运行模型的库。</translation>
    </message>
    <message>
        <source>Install llama-cpp-python 0.3.36.</source>
        <translation>请安装 llama-cpp-python 0.3.36。</translation>
    </message>
    <message>
        <source>The library that runs models cannot be loaded.</source>
        <translation>无法加载运行模型的库。</translation>
    </message>
    <message>
        <source>The libraries that run models cannot be loaded on this computer.</source>
        <translation>无法在此计算机上加载运行模型的库。</translation>
    </message>
    <message>
        <source>Install Spyglass again; `spyglass doctor` tells more.</source>
        <translation>请重新安装 Spyglass；`spyglass doctor` 会显示更多信息。</translation>
    </message>
    <message>
        <source>The form of answer that was asked for cannot be enforced.</source>
        <translation>无法强制使用所要求的回答形式。</translation>
    </message>
    <message>
        <source>Use a simpler JSON schema.</source>
        <translation>请使用更简单的 JSON 架构。</translation>
    </message>
    <message>
        <source>The model computed something that is not a number.</source>
        <translation>模型计算出的结果不是数字。</translation>
    </message>
    <message>
        <source>Its file is damaged: download or convert it again.</source>
        <translation>其文件已损坏：请重新下载或转换。</translation>
    </message>
    <message>
        <source>The model&apos;s vocabulary cannot write the form of answer that was asked for.</source>
        <translation>模型的词表无法写出所要求的回答形式。</translation>
    </message>
    <message>
        <source>The chat template inside the model file does not work.</source>
        <translation>模型文件中的聊天模板无法使用。</translation>
    </message>
    <message>
        <source>Download the model again or use another one.</source>
        <translation>请重新下载模型，或使用其他模型。</translation>
    </message>
    <message>
        <source>The model&apos;s chat template refuses this conversation.</source>
        <translation>模型的聊天模板拒绝此对话。</translation>
    </message>
    <message>
        <source>Start a new conversation or use another model.</source>
        <translation>请开始新对话，或使用其他模型。</translation>
    </message>
    <message>
        <source>{what} {todo}</source>
        <translation>{what}{todo}</translation>
    </message>
    <message>
        <source>The model file {name} is damaged or is not a GGUF file.</source>
        <translation>模型文件 {name} 已损坏或不是 GGUF 文件。</translation>
    </message>
    <message>
        <source>Check that it exists and may be read.</source>
        <translation>请检查它是否存在并可读取。</translation>
    </message>
    <message>
        <source>The model file {name} cannot be read.</source>
        <translation>无法读取模型文件 {name}。</translation>
    </message>
    <message>
        <source>Check that it is still there.</source>
        <translation>请检查它是否还在。</translation>
    </message>
    <message>
        <source>Choose the model&apos;s own file.</source>
        <translation>请选择模型本身的文件。</translation>
    </message>
    <message>
        <source>Spyglass does not load models from addresses.</source>
        <translation>Spyglass 不会从网址加载模型。</translation>
    </message>
    <message>
        <source>Download the model and name the file.</source>
        <translation>请下载模型，然后指定文件。</translation>
    </message>
    <message>
        <source>There is no model file {name}.</source>
        <translation>没有模型文件 {name}。</translation>
    </message>
    <message>
        <source>Choose a GGUF file.</source>
        <translation>请选择 GGUF 文件。</translation>
    </message>
    <message>
        <source>Choose another model.</source>
        <translation>请选择其他模型。</translation>
    </message>
    <message>
        <source>The folder holds several models.</source>
        <translation>文件夹中有多个模型。</translation>
    </message>
    <message>
        <source>Several models&apos; names begin with {name}.</source>
        <translation>有多个模型的名称以 {name} 开头。</translation>
    </message>
    <message>
        <source>No model&apos;s name begins with {name}.</source>
        <translation>没有名称以 {name} 开头的模型。</translation>
    </message>
    <message>
        <source>Choose one of {names}, or name a file.</source>
        <translation>请选择其中之一：{names}，或指定文件。</translation>
    </message>
    <message>
        <source>The part {name} is missing.</source>
        <translation>缺少部分 {name}。</translation>
    </message>
    <message>
        <source>Its projector (mmproj) is not beside it.</source>
        <translation>其投影器（mmproj）不在旁边。</translation>
    </message>
    <message>
        <source>{name} is a model&apos;s projector, not the model itself.</source>
        <translation>{name} 是模型的投影器，不是模型本身。</translation>
    </message>
    <message>
        <source>{name} is a file that goes with a model, not the model itself.</source>
        <translation>{name} 是模型的附带文件，不是模型本身。</translation>
    </message>
    <message>
        <source>The starter model is not part of this copy of Spyglass.</source>
        <translation>这份 Spyglass 不包含入门模型。</translation>
    </message>
    <message>
        <source>{name} is a checkpoint, not a GGUF file.</source>
        <translation>{name} 是检查点，不是 GGUF 文件。</translation>
    </message>
    <message>
        <source>Convert it: spyglass models convert.</source>
        <translation>请转换它：spyglass models convert。</translation>
    </message>
    <message>
        <source>{name} is a folder without a usable model.</source>
        <translation>{name} 是没有可用模型的文件夹。</translation>
    </message>
    <message>
        <source>{name} is not a file.</source>
        <translation>{name} 不是文件。</translation>
    </message>
    <message>
        <source>Choose one of {names}.</source>
        <translation>请选择其中之一：{names}。</translation>
    </message>
    <message>
        <source>The model&apos;s path holds bytes that are not UTF-8.</source>
        <translation>模型的路径含有不是 UTF-8 的字节。</translation>
    </message>
    <message>
        <source>Rename the file.</source>
        <translation>请重命名文件。</translation>
    </message>
    <message>
        <source>Put its projector (the name usually begins with mmproj) into the same folder, or name it.</source>
        <translation>请将其投影器（名称通常以 mmproj 开头）放入同一文件夹，或指定它。</translation>
    </message>
    <message>
        <source>{name} reads text only, and its projector is not beside it.</source>
        <translation>{name} 只读文字，并且其投影器不在旁边。</translation>
    </message>
    <message>
        <source>Ask</source>
        <translation>提问</translation>
    </message>
    <message>
        <source>Recognise</source>
        <translation>识别</translation>
    </message>
    <message>
        <source>Nothing that I know.</source>
        <translation>没有我认识的东西。</translation>
    </message>
    <message>
        <source>Looking.</source>
        <translation>正在查看。</translation>
    </message>
    <message>
        <source>Resting, to keep the machine cool.</source>
        <translation>正在休息，以免机器过热。</translation>
    </message>
    <message>
        <source>Resting, to save the battery.</source>
        <translation>正在休息，以节省电量。</translation>
    </message>
    <message>
        <source>Trying again soon.</source>
        <translation>即将重试。</translation>
    </message>
    <message>
        <source>Paused.</source>
        <translation>已暂停。</translation>
    </message>
    <message>
        <source>Save it as text in UTF-8, a line for each term.</source>
        <translation>请保存为 UTF-8 文本，每行一个术语。</translation>
    </message>
    <message>
        <source>Write each one as: term = word.</source>
        <translation>请这样书写：术语 = 译词。</translation>
    </message>
    <message>
        <source>There is no glossary {name}.</source>
        <translation>没有术语表 {name}。</translation>
    </message>
    <message>
        <source>The glossary {name} cannot be read.</source>
        <translation>无法读取术语表 {name}。</translation>
    </message>
    <message>
        <source>Line {number} of the glossary is no term.</source>
        <translation>术语表第 {number} 行不是术语。</translation>
    </message>
    <message>
        <source>The language {code} is not offered.</source>
        <translation>不提供语言 {code}。</translation>
    </message>
    <message>
        <source>Point the camera at the text again.</source>
        <translation>请再次将摄像头对准文字。</translation>
    </message>
    <message>
        <source>Turn the camera off and on again.</source>
        <translation>请关闭摄像头后重新打开。</translation>
    </message>
    <message>
        <source>Translate</source>
        <translation>翻译</translation>
    </message>
    <message>
        <source>The translation was stopped.</source>
        <translation>翻译已停止。</translation>
    </message>
    <message>
        <source>Start it again to go on.</source>
        <translation>请重新开始以继续。</translation>
    </message>
    <message>
        <source>A translation is not saved as {kind}.</source>
        <translation>译文不能保存为 {kind}。</translation>
    </message>
    <message>
        <source>Use {names}.</source>
        <translation>请使用 {names}。</translation>
    </message>
    <message>
        <source>Check the folder and the disk.</source>
        <translation>请检查文件夹和磁盘。</translation>
    </message>
    <message>
        <source>There is no picture to draw on.</source>
        <translation>没有可供绘制的图片。</translation>
    </message>
    <message>
        <source>Save the texts as .txt.</source>
        <translation>请将文字保存为 .txt。</translation>
    </message>
    <message>
        <source>{name} cannot be written.</source>
        <translation>无法写入 {name}。</translation>
    </message>
    <message>
        <source>This text cannot be drawn: its letters join, and the library that joins them is missing.</source>
        <translation>无法绘制此文字：其字母相连，而连接字母的库缺失。</translation>
    </message>
    <message>
        <source>Install FriBidi (libfribidi) or use the translation beside the picture.</source>
        <translation>请安装 FriBidi（libfribidi），或使用图片旁的译文。</translation>
    </message>
    <message>
        <source>It is not said what to watch for.</source>
        <translation>没有说明要留意什么。</translation>
    </message>
    <message>
        <source>Write it like &quot;a bus&quot; or &quot;tell me when the door is open&quot;.</source>
        <translation>例如可写：“a bus”或“tell me when the door is open”。</translation>
    </message>
    <message>
        <source>true or false</source>
        <translation>true 或 false</translation>
    </message>
    <message>
        <source>a whole number</source>
        <translation>整数</translation>
    </message>
    <message>
        <source>a number</source>
        <translation>数字</translation>
    </message>
    <message>
        <source>text</source>
        <translation>文字</translation>
    </message>
    <message>
        <source>The setting {key} must be {rule}.</source>
        <translation>设置 {key} 必须是{rule}。</translation>
    </message>
    <message>
        <source>Its default is {value}.</source>
        <translation>其默认值为 {value}。</translation>
    </message>
    <message>
        <source>There is no setting {key}.</source>
        <translation>没有设置 {key}。</translation>
    </message>
    <message>
        <source>The settings are {names}.</source>
        <translation>设置有 {names}。</translation>
    </message>
    <message>
        <source>one of {names}</source>
        <translation>其中之一：{names}</translation>
    </message>
    <message>
        <source>between {low} and {high}</source>
        <translation>介于 {low} 和 {high} 之间的值</translation>
    </message>
    <message>
        <source>It was kept as {name}, and the defaults hold.</source>
        <translation>它已保留为 {name}，现使用默认值。</translation>
    </message>
    <message>
        <source>The settings file was damaged ({reason}). {kept}</source>
        <translation>设置文件已损坏（{reason}）。{kept}</translation>
    </message>
    <message>
        <source>It could not be kept, and the defaults hold.</source>
        <translation>无法保留它，现使用默认值。</translation>
    </message>
    <message>
        <source>The settings could not be saved; the change holds until the program ends.</source>
        <translation>无法保存设置；更改在程序结束前有效。</translation>
    </message>
    <message>
        <source>Check the disk and the permissions of the settings folder.</source>
        <translation>请检查磁盘和设置文件夹的权限。</translation>
    </message>
    <message>
        <source>The settings could not be read ({reason}); the defaults hold.</source>
        <translation>无法读取设置（{reason}）；现使用默认值。</translation>
    </message>
    <message>
        <source>{what} Until then its default holds.</source>
        <translation>{what}在此之前使用默认值。</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Open picture…</source>
        <translation>打开图片…</translation>
    </message>
    <message>
        <source>Paste</source>
        <translation>粘贴</translation>
    </message>
    <message>
        <source>Part of the screen…</source>
        <translation>屏幕区域…</translation>
    </message>
    <message>
        <source>Camera</source>
        <translation>摄像头</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>在此对话中查找</translation>
    </message>
    <message>
        <source>Open model file…</source>
        <translation>打开模型文件…</translation>
    </message>
    <message>
        <source>Settings…</source>
        <translation>设置…</translation>
    </message>
    <message>
        <source>Keys</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Go to the question</source>
        <translation>转到提问框</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>Take the picture (camera on the stage)</source>
        <translation>拍照（舞台上为摄像头时）</translation>
    </message>
    <message>
        <source>Zoom in, zoom out, fit (stage)</source>
        <translation>放大、缩小、适合（舞台）</translation>
    </message>
    <message>
        <source>Move the picture (stage)</source>
        <translation>移动图片（舞台）</translation>
    </message>
    <message>
        <source>Choose and move a part of the picture (stage)</source>
        <translation>选择并移动图片的一部分（舞台）</translation>
    </message>
    <message>
        <source>Size that part (stage)</source>
        <translation>调整该部分的大小（舞台）</translation>
    </message>
    <message>
        <source>Copy the answer</source>
        <translation>复制回答</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>重新回答</translation>
    </message>
    <message>
        <source>Details of the error</source>
        <translation>错误详情</translation>
    </message>
    <message>
        <source>Something in Spyglass went wrong.</source>
        <translation>Spyglass 出现问题。</translation>
    </message>
    <message>
        <source>Install Spyglass again.</source>
        <translation>请重新安装 Spyglass。</translation>
    </message>
    <message>
        <source>Try again; if it happens again, report it with the details.</source>
        <translation>请重试；如果再次发生，请附上详细信息报告。</translation>
    </message>
    <message>
        <source>Starting the camera</source>
        <translation>正在启动摄像头</translation>
    </message>
    <message>
        <source>Spyglass may not use the camera.</source>
        <translation>Spyglass 无权使用摄像头。</translation>
    </message>
    <message>
        <source>Allow it in the privacy settings of the system.</source>
        <translation>请在系统的隐私设置中允许。</translation>
    </message>
    <message>
        <source>Stage</source>
        <translation>舞台</translation>
    </message>
    <message>
        <source>You asked: {question}</source>
        <translation>您的提问：{question}</translation>
    </message>
    <message>
        <source>You asked, with a picture: {question}</source>
        <translation>您的提问（带图片）：{question}</translation>
    </message>
    <message>
        <source>Answer: {answer}</source>
        <translation>回答：{answer}</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>已停止</translation>
    </message>
    <message>
        <source>Cut off: the longest answer allowed</source>
        <translation>已截断：达到允许的最长回答</translation>
    </message>
    <message>
        <source>Go to the newest words</source>
        <translation>转到最新内容</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Edit question</source>
        <translation>编辑问题</translation>
    </message>
    <message>
        <source>Do not send along: {name}</source>
        <translation>不一起发送：{name}</translation>
    </message>
    <message>
        <source>Question</source>
        <translation>问题</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Part of the picture</source>
        <translation>图片的一部分</translation>
    </message>
    <message>
        <source>Bring a picture, then ask about it in your own words.</source>
        <translation>放入一张图片，然后用自己的话提问。</translation>
    </message>
    <message>
        <source>Drag a rectangle on the picture to ask about a part of it.</source>
        <translation>在图片上框选一个区域，可就该部分提问。</translation>
    </message>
    <message>
        <source>What would you like to know?</source>
        <translation>您想知道什么？</translation>
    </message>
    <message>
        <source>What is in this picture?</source>
        <translation>这张图片里有什么？</translation>
    </message>
    <message>
        <source>What does the text say?</source>
        <translation>上面的文字写的是什么？</translation>
    </message>
    <message>
        <source>Describe it in one sentence.</source>
        <translation>用一句话描述它。</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>粘贴的图片</translation>
    </message>
    <message>
        <source>guessing</source>
        <translation>猜测</translation>
    </message>
    <message>
        <source>unsure</source>
        <translation>不确定</translation>
    </message>
    <message>
        <source>fairly sure</source>
        <translation>比较确定</translation>
    </message>
    <message>
        <source>sure</source>
        <translation>确定</translation>
    </message>
    <message>
        <source>very sure</source>
        <translation>非常确定</translation>
    </message>
    <message>
        <source>Tokens read: {read}, of them reused: {reused}</source>
        <translation>读取的词元：{read}，其中重用：{reused}</translation>
    </message>
    <message>
        <source>Pictures: {pictures}, looked at now: {now}</source>
        <translation>图片：{pictures}，本次查看：{now}</translation>
    </message>
    <message>
        <source>Tokens written: {written} in {time}</source>
        <translation>写出的词元：{written}，用时 {time}</translation>
    </message>
    <message>
        <source>Loading {loading}, looking {looking}, reading {reading}</source>
        <translation>加载 {loading}，查看 {looking}，读取 {reading}</translation>
    </message>
    <message>
        <source>Mean probability of a token: {share:.0%}</source>
        <translation>词元的平均概率：{share:.0%}</translation>
    </message>
    <message>
        <source>{time:.0f} ms</source>
        <translation>{time:.0f} 毫秒</translation>
    </message>
    <message>
        <source>{time:.1f} s</source>
        <translation>{time:.1f} 秒</translation>
    </message>
    <message>
        <source>{time:.0f} min</source>
        <translation>{time:.0f} 分钟</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>正在书写</translation>
    </message>
    <message>
        <source>Starting</source>
        <translation>正在开始</translation>
    </message>
    <message>
        <source>{time} to first word</source>
        <translation>{time}后出现第一个词</translation>
    </message>
    <message>
        <source>{speed} tokens/s</source>
        <translation>{speed} 词元/秒</translation>
    </message>
    <message>
        <source>picture reused</source>
        <translation>已重用图片</translation>
    </message>
    <message>
        <source>Loading the model</source>
        <translation>正在加载模型</translation>
    </message>
    <message>
        <source>Looking at the picture</source>
        <translation>正在查看图片</translation>
    </message>
    <message>
        <source>Looking at picture {number} of {all}</source>
        <translation>正在查看第 {number} 张图片，共 {all} 张</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>正在读取</translation>
    </message>
    <message numerus="yes">
        <source>{n} tokens reused</source>
        <translation>
            <numerusform>重用了 {n} 个词元</numerusform>
        </translation>
    </message>
    <message>
        <source>The place before</source>
        <translation>上一处</translation>
    </message>
    <message>
        <source>The next place</source>
        <translation>下一处</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>{place} of {places}</source>
        <translation>第 {place} 处，共 {places} 处</translation>
    </message>
    <message>
        <source>Not found</source>
        <translation>未找到</translation>
    </message>
    <message>
        <source>Nothing leaves this machine: pictures, questions and answers stay here.</source>
        <translation>一切都不会离开这台机器：图片、问题和回答都留在这里。</translation>
    </message>
    <message>
        <source>Resting</source>
        <translation>休息中</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>就绪</translation>
    </message>
    <message>
        <source>Working</source>
        <translation>工作中</translation>
    </message>
    <message>
        <source>Restarting</source>
        <translation>正在重启</translation>
    </message>
    <message>
        <source>Menu</source>
        <translation>菜单</translation>
    </message>
    <message>
        <source>Offline</source>
        <translation>离线</translation>
    </message>
    <message>
        <source>Choose the model</source>
        <translation>选择模型</translation>
    </message>
    <message>
        <source>Engine: {state}</source>
        <translation>引擎：{state}</translation>
    </message>
    <message>
        <source>Model: {name}</source>
        <translation>模型：{name}</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>正在查找…</translation>
    </message>
    <message>
        <source>{number}%</source>
        <translation>{number}%</translation>
    </message>
    <message>
        <source>The texts in {language} are missing.</source>
        <translation>缺少{language}的文本。</translation>
    </message>
    <message>
        <source>Saved as {name}</source>
        <translation>已保存为 {name}</translation>
    </message>
    <message>
        <source>{name} could not be saved.</source>
        <translation>无法保存 {name}。</translation>
    </message>
    <message>
        <source>Check the folder.</source>
        <translation>请检查文件夹。</translation>
    </message>
    <message>
        <source>sent</source>
        <translation>已发送</translation>
    </message>
    <message>
        <source>nothing new</source>
        <translation>没有新内容</translation>
    </message>
    <message>
        <source>black</source>
        <translation>全黑</translation>
    </message>
    <message>
        <source>too dark</source>
        <translation>太暗</translation>
    </message>
    <message>
        <source>too bright</source>
        <translation>太亮</translation>
    </message>
    <message>
        <source>blurred</source>
        <translation>模糊</translation>
    </message>
    <message>
        <source>moving</source>
        <translation>移动中</translation>
    </message>
    <message>
        <source>engine busy</source>
        <translation>引擎忙</translation>
    </message>
    <message>
        <source>resting</source>
        <translation>休息</translation>
    </message>
    <message>
        <source>after a failure</source>
        <translation>失败之后</translation>
    </message>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>Stop watching</source>
        <translation>停止留意</translation>
    </message>
    <message>
        <source>{share:.0%} {fate}</source>
        <translation>{share:.0%} {fate}</translation>
    </message>
    <message>
        <source>Save a snapshot</source>
        <translation>保存快照</translation>
    </message>
    <message>
        <source>Save the last ten seconds</source>
        <translation>保存最近十秒</translation>
    </message>
    <message>
        <source>Looking around</source>
        <translation>正在观察</translation>
    </message>
    <message>
        <source>{size:.1f} GB</source>
        <translation>{size:.1f} GB</translation>
    </message>
    <message>
        <source>About Spyglass</source>
        <translation>关于 Spyglass</translation>
    </message>
    <message>
        <source>Network camera…</source>
        <translation>网络摄像头…</translation>
    </message>
    <message>
        <source>Mirror</source>
        <translation>镜像</translation>
    </message>
    <message>
        <source>Turn by 90°</source>
        <translation>旋转 90°</translation>
    </message>
    <message>
        <source>Network camera</source>
        <translation>网络摄像头</translation>
    </message>
    <message>
        <source>Its address, for example http://192.168.0.20:8080/video or rtsp://…</source>
        <translation>其地址，例如 http://192.168.0.20:8080/video 或 rtsp://…</translation>
    </message>
    <message>
        <source>{size:.0f} MB</source>
        <translation>{size:.0f} MB</translation>
    </message>
    <message>
        <source>Starter (ships with Spyglass)</source>
        <translation>入门模型（随 Spyglass 提供）</translation>
    </message>
    <message>
        <source>No other camera</source>
        <translation>没有其他摄像头</translation>
    </message>
    <message>
        <source>The projector&apos;s name usually begins with mmproj.</source>
        <translation>投影器的名称通常以 mmproj 开头。</translation>
    </message>
    <message>
        <source>Choose its projector…</source>
        <translation>选择其投影器…</translation>
    </message>
    <message>
        <source>Open model file</source>
        <translation>打开模型文件</translation>
    </message>
    <message>
        <source>Open the projector (mmproj)</source>
        <translation>打开投影器（mmproj）</translation>
    </message>
    <message>
        <source>All files</source>
        <translation>所有文件</translation>
    </message>
    <message>
        <source>GGUF models</source>
        <translation>GGUF 模型</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Close this message</source>
        <translation>关闭此消息</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详细信息</translation>
    </message>
    <message>
        <source>Part of the screen</source>
        <translation>屏幕区域</translation>
    </message>
    <message>
        <source>Open picture</source>
        <translation>打开图片</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Camera picture</source>
        <translation>摄像头照片</translation>
    </message>
    <message>
        <source>Stop reading</source>
        <translation>停止朗读</translation>
    </message>
    <message>
        <source>Read aloud</source>
        <translation>朗读</translation>
    </message>
    <message>
        <source>Connect one, or use a phone as a network camera.</source>
        <translation>请接入一个摄像头，或将手机用作网络摄像头。</translation>
    </message>
    <message>
        <source>Point the camera at something</source>
        <translation>将摄像头对准某物</translation>
    </message>
    <message>
        <source>Click a name to ask about it. Or write what to wait for, and be told when it comes.</source>
        <translation>单击名称即可提问。或写下要等待的事物，出现时会告诉您。</translation>
    </message>
    <message>
        <source>Ask about this</source>
        <translation>就此提问</translation>
    </message>
    <message>
        <source>saving the battery</source>
        <translation>节省电量</translation>
    </message>
    <message>
        <source>{width} × {height}, {rate:.0f} frames/s</source>
        <translation>{width} × {height}，{rate:.0f} 帧/秒</translation>
    </message>
    <message numerus="yes">
        <source>{n} answers in the last minute</source>
        <translation>
            <numerusform>最近一分钟 {n} 个回答</numerusform>
        </translation>
    </message>
    <message>
        <source>at work {share:.0%} of the time, {most:.0%} allowed</source>
        <translation>{share:.0%} 的时间在工作，允许 {most:.0%}</translation>
    </message>
    <message>
        <source>Say aloud what is found</source>
        <translation>读出找到的事物</translation>
    </message>
    <message>
        <source>Show figures on the picture</source>
        <translation>在画面上显示数据</translation>
    </message>
    <message>
        <source>{seconds:.2f} s from frame to label</source>
        <translation>从画面到名称 {seconds:.2f} 秒</translation>
    </message>
    <message>
        <source>{seconds:.2f} s an answer</source>
        <translation>每个回答 {seconds:.2f} 秒</translation>
    </message>
    <message>
        <source>on battery, {share:.0%}</source>
        <translation>使用电池，{share:.0%}</translation>
    </message>
    <message>
        <source>the processor is too hot and slows down</source>
        <translation>处理器过热，正在降速</translation>
    </message>
    <message>
        <source>{things}, {seconds} s ago</source>
        <translation>{things}，{seconds} 秒前</translation>
    </message>
    <message>
        <source>{degrees:.0f} °C below the processor&apos;s limit</source>
        <translation>比处理器上限低 {degrees:.0f} °C</translation>
    </message>
    <message>
        <source>{size} · {licence} · perhaps {speed} tokens/s here</source>
        <translation>{size} · {licence} · 在本机约 {speed} 词元/秒</translation>
    </message>
    <message>
        <source>Videos</source>
        <translation>视频</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>On</source>
        <translation>开</translation>
    </message>
    <message>
        <source>Send the question</source>
        <translation>发送问题</translation>
    </message>
    <message>
        <source>New line in the question</source>
        <translation>在问题中换行</translation>
    </message>
    <message>
        <source>Nothing more is known.</source>
        <translation>没有更多信息。</translation>
    </message>
    <message>
        <source>Version {version}</source>
        <translation>版本 {version}</translation>
    </message>
    <message>
        <source>Ask about pictures with a model that runs on this machine. Nothing is sent anywhere.</source>
        <translation>用在这台机器上运行的模型，就图片提问。不会向任何地方发送任何内容。</translation>
    </message>
    <message>
        <source>Apache License 2.0. Icons: Lucide, ISC License.</source>
        <translation>Apache 许可证 2.0。图标：Lucide，ISC 许可证。</translation>
    </message>
    <message>
        <source>{thing} at {time}</source>
        <translation>{thing}，{time}</translation>
    </message>
    <message>
        <source>Yes, at {time} ({share:.0%} sure).</source>
        <translation>是的，{time}（{share:.0%} 确定）。</translation>
    </message>
    <message>
        <source>Check that the sound works, and that {program} does.</source>
        <translation>请检查声音和 {program} 是否正常。</translation>
    </message>
    <message>
        <source>This could not be said aloud.</source>
        <translation>无法读出此内容。</translation>
    </message>
    <message>
        <source>Picture {name}, {width} x {height} pixels</source>
        <translation>图片 {name}，{width} × {height} 像素</translation>
    </message>
    <message>
        <source>Drop a picture, paste one, or start the camera</source>
        <translation>拖入或粘贴图片，或启动摄像头</translation>
    </message>
    <message>
        <source>Or try</source>
        <translation>或者试试</translation>
    </message>
    <message>
        <source>Sample picture: {name}</source>
        <translation>示例图片：{name}</translation>
    </message>
    <message>
        <source>Fit the picture</source>
        <translation>适合窗口</translation>
    </message>
    <message>
        <source>Fit the picture (double click)</source>
        <translation>适合窗口（双击）</translation>
    </message>
    <message>
        <source>Choose the camera</source>
        <translation>选择摄像头</translation>
    </message>
    <message>
        <source>Take the picture</source>
        <translation>拍照</translation>
    </message>
    <message>
        <source>Take the picture (Space)</source>
        <translation>拍照（空格键）</translation>
    </message>
    <message>
        <source>Turn the camera off</source>
        <translation>关闭摄像头</translation>
    </message>
    <message>
        <source>Opening the picture…</source>
        <translation>正在打开图片…</translation>
    </message>
    <message>
        <source>Open…</source>
        <translation>打开…</translation>
    </message>
    <message>
        <source>Zoom out (-)</source>
        <translation>缩小 (-)</translation>
    </message>
    <message>
        <source>Zoom in (+)</source>
        <translation>放大 (+)</translation>
    </message>
    <message>
        <source>Live camera</source>
        <translation>实时摄像头</translation>
    </message>
    <message>
        <source>There is no model yet.</source>
        <translation>还没有模型。</translation>
    </message>
    <message>
        <source>Wait until it is found, or choose one above.</source>
        <translation>请等到找到模型，或在上方选择一个。</translation>
    </message>
    <message>
        <source>Save the translation</source>
        <translation>保存译文</translation>
    </message>
    <message>
        <source>Looking for text</source>
        <translation>正在查找文字</translation>
    </message>
    <message>
        <source>Reading the text</source>
        <translation>正在读取文字</translation>
    </message>
    <message>
        <source>Translating</source>
        <translation>正在翻译</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文本</translation>
    </message>
    <message>
        <source>Your own words</source>
        <translation>您自己的词语</translation>
    </message>
    <message>
        <source>How a word is to be translated, a line for each: term = word</source>
        <translation>词语应如何翻译，每行一个：术语 = 译词</translation>
    </message>
    <message>
        <source>ticket office = Schalter</source>
        <translation>ticket office = Schalter</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>It cannot be saved: {reason}</source>
        <translation>无法保存：{reason}</translation>
    </message>
    <message>
        <source>Point the camera at a sign, a menu or a letter.</source>
        <translation>将摄像头对准标志、菜单或信件。</translation>
    </message>
    <message>
        <source>Reading the text…</source>
        <translation>正在读取文字…</translation>
    </message>
    <message>
        <source>There is no text in view.</source>
        <translation>画面中没有文字。</translation>
    </message>
    <message>
        <source>Explain</source>
        <translation>解释</translation>
    </message>
    <message>
        <source>Explain this text, or the words marked in it</source>
        <translation>解释这段文字，或其中选中的词语</translation>
    </message>
    <message>
        <source>Detect language</source>
        <translation>检测语言</translation>
    </message>
    <message>
        <source>Translate from</source>
        <translation>源语言</translation>
    </message>
    <message>
        <source>Translate into</source>
        <translation>目标语言</translation>
    </message>
    <message>
        <source>Show the original</source>
        <translation>显示原文</translation>
    </message>
    <message>
        <source>Or hold O on the picture, or point at a line</source>
        <translation>也可在图片上按住 O 键，或指向某一行</translation>
    </message>
    <message>
        <source>Copy the translation</source>
        <translation>复制译文</translation>
    </message>
    <message>
        <source>Save as picture, PDF or text</source>
        <translation>保存为图片、PDF 或文本</translation>
    </message>
    <message>
        <source>Translate again</source>
        <translation>重新翻译</translation>
    </message>
    <message>
        <source>There is no text in this picture that could be read.</source>
        <translation>此图片中没有可读取的文字。</translation>
    </message>
    <message>
        <source>This is in {language} already.</source>
        <translation>这已经是该语言：{language}。</translation>
    </message>
    <message>
        <source>Translate the answer</source>
        <translation>翻译回答</translation>
    </message>
    <message>
        <source>Not looked yet</source>
        <translation>尚未查看</translation>
    </message>
    <message>
        <source>Waiting for a clear picture</source>
        <translation>正在等待清晰的画面</translation>
    </message>
    <message>
        <source>{seconds} s ago: {state} ({share:.0%} sure)</source>
        <translation>{seconds} 秒前：{state}（把握 {share:.0%}）</translation>
    </message>
    <message>
        <source>Waiting for: {things}</source>
        <translation>等待：{things}</translation>
    </message>
    <message>
        <source>it is there</source>
        <translation>已出现</translation>
    </message>
    <message>
        <source>not there</source>
        <translation>未出现</translation>
    </message>
    <message>
        <source>Waiting for the camera</source>
        <translation>正在等待摄像头</translation>
    </message>
    <message>
        <source>Another model file…</source>
        <translation>其他模型文件…</translation>
    </message>
    <message>
        <source>The model that reads the picture</source>
        <translation>读取图片的模型</translation>
    </message>
    <message>
        <source>Take the translation away</source>
        <translation>移除译文</translation>
    </message>
    <message>
        <source>Open a model that translates</source>
        <translation>打开用于翻译的模型</translation>
    </message>
    <message>
        <source>Translating back</source>
        <translation>正在回译</translation>
    </message>
    <message>
        <source>Translated back: {text}</source>
        <translation>回译：{text}</translation>
    </message>
    <message>
        <source>Check by translating back</source>
        <translation>通过回译检查</translation>
    </message>
    <message>
        <source>Which model translates the text</source>
        <translation>由哪个模型翻译文本</translation>
    </message>
    <message>
        <source>Look twice: the number {what} differs or is missing.</source>
        <translation>请核对：数字 {what} 不同或缺失。</translation>
    </message>
    <message>
        <source>Look twice: the currency {what} is missing.</source>
        <translation>请核对：缺少货币 {what}。</translation>
    </message>
    <message>
        <source>Look twice: {what} is missing.</source>
        <translation>请核对：缺少 {what}。</translation>
    </message>
    <message>
        <source>Look twice: the name {what} is missing.</source>
        <translation>请核对：缺少名称 {what}。</translation>
    </message>
    <message>
        <source>Your own word for “{what}” was not used.</source>
        <translation>没有使用您为“{what}”指定的词语。</translation>
    </message>
    <message>
        <source>“{what}” was not translated.</source>
        <translation>“{what}”没有翻译。</translation>
    </message>
    <message>
        <source>Look twice: the meaning may have changed.</source>
        <translation>请核对：意思可能有变。</translation>
    </message>
    <message>
        <source>The text in the picture appears here, with its translation.</source>
        <translation>图片中的文字及其译文显示在这里。</translation>
    </message>
    <message>
        <source>Bring a picture with text in it, or write a text below.</source>
        <translation>放入一张有文字的图片，或在下方输入文字。</translation>
    </message>
    <message>
        <source>Write a text to translate…</source>
        <translation>输入要翻译的文字…</translation>
    </message>
    <message>
        <source>Tell me when… (for example: a bus comes)</source>
        <translation>告诉我要留意什么…（例如：a bus comes）</translation>
    </message>
    <message>
        <source>Ask about what the camera sees…</source>
        <translation>就摄像头看到的内容提问…</translation>
    </message>
    <message>
        <source>Ask a follow-up…</source>
        <translation>继续提问…</translation>
    </message>
    <message>
        <source>Ask about the picture…</source>
        <translation>就图片提问…</translation>
    </message>
    <message>
        <source>Ask anything…</source>
        <translation>问点什么…</translation>
    </message>
    <message>
        <source>Runs on this machine. Answers can be wrong.</source>
        <translation>在这台机器上运行。回答可能有误。</translation>
    </message>
    <message>
        <source>The video has ended.</source>
        <translation>视频已结束。</translation>
    </message>
    <message>
        <source>Say it in at most {most} characters.</source>
        <translation>请用不超过 {most} 个字符来描述。</translation>
    </message>
    <message>
        <source>This is too long to be watched for.</source>
        <translation>要留意的内容太长了。</translation>
    </message>
    <message>
        <source>Earlier conversations…</source>
        <translation>以前的对话……</translation>
    </message>
    <message>
        <source>Show {name}</source>
        <translation>显示 {name}</translation>
    </message>
    <message>
        <source>Larger models…</source>
        <translation>更大的模型……</translation>
    </message>
    <message>
        <source>Earlier conversations</source>
        <translation>以前的对话</translation>
    </message>
    <message>
        <source>No earlier conversation is kept.</source>
        <translation>没有保存以前的对话。</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>{when}, shown now</source>
        <translation>{when}，正在显示</translation>
    </message>
    <message>
        <source>Needs about {needs} of memory, which is free.</source>
        <translation>约需 {needs} 内存，目前够用。</translation>
    </message>
    <message>
        <source>Needs about {needs} of memory; only {free} are free.</source>
        <translation>约需 {needs} 内存；仅有 {free} 可用。</translation>
    </message>
    <message>
        <source>Its page</source>
        <translation>打开网页</translation>
    </message>
    <message>
        <source>Larger models</source>
        <translation>更大的模型</translation>
    </message>
    <message>
        <source>Choose a file…</source>
        <translation>选择文件……</translation>
    </message>
    <message>
        <source>The page of {name} in the browser</source>
        <translation>在浏览器中打开 {name} 的网页</translation>
    </message>
    <message>
        <source>To be converted after it is fetched: {command}</source>
        <translation>下载后需转换：{command}</translation>
    </message>
    <message>
        <source>Models folder</source>
        <translation>模型文件夹</translation>
    </message>
    <message>
        <source>The folder {name} cannot be made.</source>
        <translation>无法创建文件夹 {name}。</translation>
    </message>
    <message>
        <source>Check the disk and its permissions.</source>
        <translation>请检查磁盘及其权限。</translation>
    </message>
    <message>
        <source>There is not enough memory left for the model that translates.</source>
        <translation>剩余内存不足以加载负责翻译的模型。</translation>
    </message>
    <message>
        <source>Choose a smaller one to translate with, or let the model that reads pictures translate too.</source>
        <translation>请选择较小的模型来翻译，或者让读取图片的模型也负责翻译。</translation>
    </message>
    <message>
        <source>Choose another model to translate with, or let the model that reads pictures translate too.</source>
        <translation>请选择其他模型来翻译，或者让读取图片的模型也负责翻译。</translation>
    </message>
    <message>
        <source>The starter is small and often wrong. It was taught drawings, not photographs, and only English.</source>
        <translation>入门模型很小，经常出错。它学的是图画，不是照片，而且只懂英语。</translation>
    </message>
    <message>
        <source>The conversation as it was is among the earlier ones.</source>
        <translation>原来的对话在“以前的对话”中。</translation>
    </message>
    <message>
        <source>This is a new conversation. The one before is among the earlier ones.</source>
        <translation>这是新的对话。之前的对话在“以前的对话”中。</translation>
    </message>
    <message>
        <source>Use the starter for now</source>
        <translation>暂时使用入门模型</translation>
    </message>
    <message>
        <source>Picture {name} is on the stage</source>
        <translation>图片 {name} 已在舞台上</translation>
    </message>
    <message>
        <source>Which bar is the highest?</source>
        <translation>哪根柱子最高？</translation>
    </message>
    <message>
        <source>What colour are the balloons?</source>
        <translation>气球是什么颜色？</translation>
    </message>
    <message>
        <source>Save conversation…</source>
        <translation>保存对话……</translation>
    </message>
    <message>
        <source>Go to a name on the picture, to the next, ask about it (stage)</source>
        <translation>转到图片上的名称，再到下一个，并就它提问（舞台）</translation>
    </message>
    <message>
        <source>You asked, with several pictures: {question}</source>
        <translation>您的提问（带多张图片）：{question}</translation>
    </message>
    <message>
        <source>Saved by Spyglass, {date}. Answers can be wrong.</source>
        <translation>由 Spyglass 保存，{date}。回答可能有误。</translation>
    </message>
    <message>
        <source>{bad} of {number} files could not be opened.</source>
        <translation>{number} 个文件中有 {bad} 个无法打开。</translation>
    </message>
    <message>
        <source>The details say why.</source>
        <translation>详情中说明了原因。</translation>
    </message>
    <message>
        <source>Only the first {most} of {number} pictures were opened: no more go with one question.</source>
        <translation>只打开了 {number} 张图片中的前 {most} 张：一个问题最多只能附这么多。</translation>
    </message>
    <message>
        <source>These words were said in no earlier conversation.</source>
        <translation>之前的对话中都没有出现这些词。</translation>
    </message>
    <message>
        <source>Play again</source>
        <translation>重新播放</translation>
    </message>
    <message>
        <source>Find in questions and answers</source>
        <translation>在问题和回答中查找</translation>
    </message>
    <message>
        <source>Deleted: {title}</source>
        <translation>已删除：{title}</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>{mode} goes on waiting for it when you are back: {things}</source>
        <translation>您回到“{mode}”后会继续等待：{things}</translation>
    </message>
    <message>
        <source>Try again later; what has been fetched is kept.</source>
        <translation>请稍后重试；已下载的部分会保留。</translation>
    </message>
    <message>
        <source>The connection broke off again and again.</source>
        <translation>连接一再中断。</translation>
    </message>
    <message>
        <source>The page of {name} does not list the files that were expected.</source>
        <translation>{name} 的页面上没有所需的文件。</translation>
    </message>
    <message>
        <source>Get it from its page.</source>
        <translation>请从它的页面下载。</translation>
    </message>
    <message>
        <source>{name} could not be written.</source>
        <translation>无法写入 {name}。</translation>
    </message>
    <message>
        <source>Check the disk and its permissions; what has been fetched is kept.</source>
        <translation>请检查磁盘及其权限；已下载的部分会保留。</translation>
    </message>
    <message>
        <source>{name} needs {wanted} more on the disk, and {free} are free.</source>
        <translation>{name} 还需要 {wanted} 磁盘空间，可用空间为 {free}。</translation>
    </message>
    <message>
        <source>Make room, or choose a smaller model.</source>
        <translation>请腾出空间，或选择较小的模型。</translation>
    </message>
    <message>
        <source>This model is only given to those who sign in.</source>
        <translation>此模型仅提供给已登录的用户。</translation>
    </message>
    <message>
        <source>This model is no longer where it was.</source>
        <translation>此模型已不在原处。</translation>
    </message>
    <message>
        <source>Get it from its page, or choose another.</source>
        <translation>请从它的页面下载，或选择其他模型。</translation>
    </message>
    <message>
        <source>Check the clock, and that the system&apos;s certificates are installed (ca-certificates).</source>
        <translation>请检查时钟，并确认已安装系统证书（ca-certificates）。</translation>
    </message>
    <message>
        <source>The site could not prove who it is.</source>
        <translation>该网站无法证明其身份。</translation>
    </message>
    <message>
        <source>Check the network and try again; what has been fetched is kept.</source>
        <translation>请检查网络后重试；已下载的部分会保留。</translation>
    </message>
    <message>
        <source>There is no connection to the site that has the model.</source>
        <translation>无法连接到提供该模型的网站。</translation>
    </message>
    <message>
        <source>What came of {name} is damaged.</source>
        <translation>收到的 {name} 已损坏。</translation>
    </message>
    <message>
        <source>Fetch it again.</source>
        <translation>请重新下载。</translation>
    </message>
    <message>
        <source>A model is being fetched. Nothing else goes over the network.</source>
        <translation>正在下载模型，此外没有任何内容经过网络。</translation>
    </message>
    <message>
        <source>Fetching {share:.0%}</source>
        <translation>正在下载 {share:.0%}</translation>
    </message>
    <message>
        <source>perhaps there</source>
        <translation>可能已出现</translation>
    </message>
    <message>
        <source>{name} is here.</source>
        <translation>{name} 已下载完成。</translation>
    </message>
    <message>
        <source>Use it</source>
        <translation>使用</translation>
    </message>
    <message>
        <source>“Get” fetches a model from its page on Hugging Face; its licence holds for you. Nothing else is fetched or sent. Or put a model of your own and its projector (mmproj) into one folder, and choose the model&apos;s file here.</source>
        <translation>“下载”会从模型在 Hugging Face 上的页面获取模型；您须遵守其许可证。除此之外不会下载或发送任何内容。您也可以把自己的模型及其投影器（mmproj）放进同一个文件夹，然后在这里选择模型文件。</translation>
    </message>
    <message>
        <source>{came} of {whole}, about {minutes} min left</source>
        <translation>{came} / {whole}，大约还需 {minutes} 分钟</translation>
    </message>
    <message>
        <source>Asking for it…</source>
        <translation>正在请求……</translation>
    </message>
    <message>
        <source>{came} of {whole}</source>
        <translation>{came} / {whole}</translation>
    </message>
    <message>
        <source>{came} of {whole}, less than a minute left</source>
        <translation>{came} / {whole}，还需不到一分钟</translation>
    </message>
    <message>
        <source>Get</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Get {name}</source>
        <translation>下载 {name}</translation>
    </message>
    <message>
        <source>Stop fetching {name}</source>
        <translation>停止下载 {name}</translation>
    </message>
    <message>
        <source>Use {name}</source>
        <translation>使用 {name}</translation>
    </message>
    <message>
        <source>Show it again</source>
        <translation>重新显示</translation>
    </message>
    <message>
        <source>Copy the picture itself and paste it here, or save it to a file and open that.</source>
        <translation>请复制图片本身并粘贴到这里，或将其保存为文件后打开。</translation>
    </message>
    <message>
        <source>There is nothing to paste.</source>
        <translation>没有可粘贴的内容。</translation>
    </message>
    <message>
        <source>Copy a picture, a file or a text first.</source>
        <translation>请先复制图片、文件或文本。</translation>
    </message>
    <message>
        <source>What is this?</source>
        <translation>这是什么？</translation>
    </message>
    <message>
        <source>Save it in another folder or by another name.</source>
        <translation>请保存到其他文件夹或换一个名称。</translation>
    </message>
    <message>
        <source>{name} could not be saved: nothing may be written to that folder.</source>
        <translation>无法保存 {name}：不允许写入该文件夹。</translation>
    </message>
    <message>
        <source>Save it in another folder.</source>
        <translation>请保存到其他文件夹。</translation>
    </message>
    <message>
        <source>{name} could not be saved: the disk is full.</source>
        <translation>无法保存 {name}：磁盘已满。</translation>
    </message>
    <message>
        <source>Make room on the disk, or save it on another one.</source>
        <translation>请在磁盘上腾出空间，或保存到其他磁盘。</translation>
    </message>
    <message>
        <source>Save conversation</source>
        <translation>保存对话</translation>
    </message>
    <message>
        <source>Web page</source>
        <translation>网页</translation>
    </message>
    <message>
        <source>The defaults hold again. Your models and languages, and what is kept on disk, stay as they are.</source>
        <translation>已恢复默认设置。您的模型、语言以及磁盘上保留的内容保持不变。</translation>
    </message>
    <message>
        <source>The settings are as they were.</source>
        <translation>设置已恢复到之前的状态。</translation>
    </message>
    <message>
        <source>Reset to defaults</source>
        <translation>恢复默认设置</translation>
    </message>
    <message>
        <source>Discard changes</source>
        <translation>放弃更改</translation>
    </message>
    <message>
        <source>Copy the text that was read</source>
        <translation>复制识别出的文字</translation>
    </message>
    <message>
        <source>Swap the languages</source>
        <translation>交换语言</translation>
    </message>
    <message>
        <source>Original</source>
        <translation>原文</translation>
    </message>
    <message>
        <source>The text was not read to its end.</source>
        <translation>文字没有读完。</translation>
    </message>
    <message>
        <source>The text was not translated to its end.</source>
        <translation>文字没有译完。</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
    <message>
        <source>{what} Of {number} files only the first {most} were tried: no more go with one question.</source>
        <translation>{what}{number} 个文件中只尝试了前 {most} 个：一个问题最多只能附这么多。</translation>
    </message>
    <message>
        <source>No more than {most} pictures go with one question.</source>
        <translation>一个问题最多只能附 {most} 张图片。</translation>
    </message>
    <message>
        <source>Remove one of them, or send the question first.</source>
        <translation>请先移除其中一张，或先发送问题。</translation>
    </message>
    <message>
        <source>The starter was taught English only.</source>
        <translation>入门模型只学过英语。</translation>
    </message>
    <message>
        <source>Ask in English, or choose a larger model.</source>
        <translation>请用英语提问，或选择更大的模型。</translation>
    </message>
    <message>
        <source>This system has no program that speaks.</source>
        <translation>此系统没有可以朗读的程序。</translation>
    </message>
    <message>
        <source>Install speech-dispatcher or espeak-ng.</source>
        <translation>请安装 speech-dispatcher 或 espeak-ng。</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>A model&apos;s name, or the path of its GGUF file.</source>
        <translation>模型的名称，或其 GGUF 文件的路径。</translation>
    </message>
    <message>
        <source>Projector</source>
        <translation>投影器</translation>
    </message>
    <message>
        <source>The path of the projector (mmproj) file; empty: the one that lies beside the model.</source>
        <translation>投影器（mmproj）文件的路径；留空：使用模型旁边的那个。</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>Tokens of conversation and pictures the model keeps in view; 0: as many as fit, up to the model&apos;s default.</source>
        <translation>模型能顾及的对话和图片的词元数；0：在模型默认值以内尽可能多。</translation>
    </message>
    <message>
        <source>tokens</source>
        <translation>词元</translation>
    </message>
    <message>
        <source>KV cache</source>
        <translation>KV 缓存</translation>
    </message>
    <message>
        <source>How keys and values are stored; 8 bits take half the memory and lose a little precision.</source>
        <translation>键和值的存储方式；8 位只占一半内存，但会损失一点精度。</translation>
    </message>
    <message>
        <source>16 bits</source>
        <translation>16 位</translation>
    </message>
    <message>
        <source>8 bits</source>
        <translation>8 位</translation>
    </message>
    <message>
        <source>Flash attention</source>
        <translation>Flash Attention</translation>
    </message>
    <message>
        <source>Attention without the whole score matrix in memory.</source>
        <translation>不在内存中保留整个分数矩阵的注意力计算。</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>关</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>线程</translation>
    </message>
    <message>
        <source>Processor threads; 0: chosen from the machine.</source>
        <translation>处理器线程数；0：根据机器选择。</translation>
    </message>
    <message>
        <source>Layers on the GPU</source>
        <translation>GPU 上的层数</translation>
    </message>
    <message>
        <source>-1: as many as fit if there is a GPU; 0: none.</source>
        <translation>-1：如果有 GPU，则尽可能多；0：不使用。</translation>
    </message>
    <message>
        <source>Vision tower</source>
        <translation>视觉塔</translation>
    </message>
    <message>
        <source>Llama 3.2 Vision only: fast leaves a picture&apos;s missing tiles out, which is quicker and slightly different.</source>
        <translation>仅用于 Llama 3.2 Vision：“快速”会省略图片中缺失的图块，速度更快，结果略有不同。</translation>
    </message>
    <message>
        <source>Exact</source>
        <translation>精确</translation>
    </message>
    <message>
        <source>Fast</source>
        <translation>快速</translation>
    </message>
    <message>
        <source>Memory limit</source>
        <translation>内存限制</translation>
    </message>
    <message>
        <source>Memory the engine process may take before it is ended; 0: no limit of its own.</source>
        <translation>引擎被结束前最多可用的内存；0：不另设限制。</translation>
    </message>
    <message>
        <source>MiB</source>
        <translation>MiB</translation>
    </message>
    <message>
        <source>Picture cache in memory</source>
        <translation>内存中的图片缓存</translation>
    </message>
    <message>
        <source>Pictures looked at are remembered, so that a second question need not look again.</source>
        <translation>看过的图片会被记住，再次提问时无需重新查看。</translation>
    </message>
    <message>
        <source>Picture cache on disk</source>
        <translation>磁盘上的图片缓存</translation>
    </message>
    <message>
        <source>The same between two starts of the program; 0: pictures leave no trace on disk.</source>
        <translation>在两次启动程序之间同样如此；0：图片不会在磁盘上留下痕迹。</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>0: always the likeliest word, so the same question gets the same answer; higher: more varied.</source>
        <translation>0：总是最可能的词，因此同样的问题得到同样的回答；越高：越多样。</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Only the likeliest words that together have this probability; 1: all. Needs a temperature above 0.</source>
        <translation>只使用概率合计达到此值的最可能的词；1：全部。需要温度大于 0。</translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation>Min-p</translation>
    </message>
    <message>
        <source>Only words at least this likely relative to the likeliest; 0: all. Needs a temperature above 0.</source>
        <translation>只使用相对于最可能的词至少有此概率的词；0：全部。需要温度大于 0。</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>种子</translation>
    </message>
    <message>
        <source>The same seed gives the same answer again; 0: another one each time. Needs a temperature above 0.</source>
        <translation>相同的种子会得到相同的回答；0：每次不同。需要温度大于 0。</translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation>最长回答</translation>
    </message>
    <message>
        <source>An answer ends here at the latest.</source>
        <translation>回答最迟在此结束。</translation>
    </message>
    <message>
        <source>Conversations on disk</source>
        <translation>磁盘上的对话</translation>
    </message>
    <message>
        <source>Conversations and their pictures are kept on this machine; the oldest go when this is full. 0: none is kept.</source>
        <translation>对话及其图片保存在本机；空间用完时先删除最旧的。0：不保存。</translation>
    </message>
    <message>
        <source>The code of a language, such as fr. Translate keeps the one chosen last here. Empty: your own.</source>
        <translation>语言的代码，例如 fr。翻译模式会在此记住上次选择的语言。留空：您自己的语言。</translation>
    </message>
    <message>
        <source>Translator</source>
        <translation>翻译模型</translation>
    </message>
    <message>
        <source>Another model for the text, by name or path; it need not see. Empty: the one that reads the picture.</source>
        <translation>用于文字的另一个模型，按名称或路径指定；它不需要能看图。留空：使用读取图片的模型。</translation>
    </message>
    <message>
        <source>Every translation is translated back, to show where the meaning may have changed. Takes twice as long.</source>
        <translation>每段译文都会被译回原文，以显示意思可能改变之处。耗时加倍。</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>窗口</translation>
    </message>
    <message>
        <source>Send with</source>
        <translation>发送键</translation>
    </message>
    <message>
        <source>The other one begins a new line.</source>
        <translation>另一个键用于换行。</translation>
    </message>
    <message>
        <source>Enter</source>
        <translation>回车</translation>
    </message>
    <message>
        <source>Ctrl+Enter</source>
        <translation>Ctrl+回车</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>Light, dark, or as the system says.</source>
        <translation>浅色、深色，或跟随系统。</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>Resolution</source>
        <translation>分辨率</translation>
    </message>
    <message>
        <source>What the camera is asked for; it takes what comes nearest.</source>
        <translation>向摄像头请求的分辨率；摄像头会采用最接近的。</translation>
    </message>
    <message>
        <source>Frames a second</source>
        <translation>每秒帧数</translation>
    </message>
    <message>
        <source>Fewer keep the machine cooler.</source>
        <translation>较少的帧数可让机器保持凉爽。</translation>
    </message>
    <message>
        <source>Speak</source>
        <translation>语音</translation>
    </message>
    <message>
        <source>Hints such as “hold still”, the names that are found and what was watched for are said aloud.</source>
        <translation>“请保持不动”之类的提示、找到的名称以及所留意的事物会被读出来。</translation>
    </message>
    <message>
        <source>Show figures</source>
        <translation>显示数据</translation>
    </message>
    <message>
        <source>How fast the camera and the model are, and why frames were left out, in a corner of the live picture.</source>
        <translation>在实时画面的一角显示摄像头和模型的速度，以及略过某些帧的原因。</translation>
    </message>
    <message>
        <source>Keep what was watched for</source>
        <translation>保留所留意到的内容</translation>
    </message>
    <message>
        <source>A picture of it goes into the conversation, with the time.</source>
        <translation>其图片会连同时间加入对话。</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>The language of menus and messages.</source>
        <translation>菜单和消息的语言。</translation>
    </message>
</context>
</TS>
